"""DATA that ExampleGen wrote before: its shards are reused unchanged."""

import hashlib
import os
import pathlib

from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.storage.files import RemoteDirectory, is_remote

MANIFEST = "manifest.json"
KEYS = {"image_size", "labels", "published", "rejected", "side", "splits"}


class PreparedSource:
    """A directory of examples, complete with its manifest.

    Raises:
        ValueError: its manifest is not one that ExampleGen wrote.
    """

    def __init__(self, data: str) -> None:
        self.data = data
        self._examples = Examples(epath.Path(data).expanduser())
        try:
            manifest = self._examples.read_json(MANIFEST)
        except ValueError:  # no JSON, or no text
            manifest = None
        if not isinstance(manifest, dict) or not manifest.keys() >= KEYS:
            raise ValueError(
                f"{self._examples.path / MANIFEST} is not the manifest of a prepared directory (expected JSON with "
                f"{', '.join(sorted(KEYS))}): prepare the photographs again, or, if {data} is a folder of photographs, remove that file."
            )

    def __str__(self) -> str:
        return self.data

    def __repr__(self) -> str:
        return f"PreparedSource({self.data!r})"

    @property
    def labels(self) -> list[str]:
        """Class names; the place of a name is its label."""
        return self._examples.labels

    def fingerprint(self) -> str:
        """Text that changes when the examples do: the manifest holds the digest of every shard."""
        return f"prepared:{self._examples.digest()}"

    def pass_on(self, examples: Examples, image_size: int, num_shards: int | None) -> None:
        """Copies the files to `examples`, an empty directory, the manifest last; as hard links, or inside a storage, if possible.

        `image_size`, in pixels, and `num_shards`, the number of training shards, are those wanted; None accepts any number.

        Raises:
            ValueError: the examples were prepared for another image size or number of shards, or files are missing, cut off or damaged. The
                contents of remote files are not checked here.
        """
        again = "or prepare the photographs again from where they came from"
        size = self._examples.image_size
        if size != image_size:
            raise ValueError(f"{self.data} was prepared for --image-size {size}, not {image_size}: give that size, {again}.")
        splits = self._examples.read_json(MANIFEST)["splits"]
        shards = len(splits["train"]["shards"])
        if num_shards not in (None, shards):
            raise ValueError(f"{self.data} has {shards} training shards, not {num_shards}: leave --num-shards out, {again}.")
        sizes = self._examples.sizes()
        for shard in (shard for split in splits.values() for shard in split["shards"]):
            path, size = self._examples.path / shard["file"], sizes.get(shard["file"], 0)
            if size != shard["bytes"]:
                raise ValueError(f"{path} has {size} bytes, expected {shard['bytes']}: copy the directory again, or prepare it again.")
            if not is_remote(path) and _sha256(path) != shard["sha256"]:
                raise ValueError(
                    f"{path} is damaged: its SHA-256 is not that in the manifest. Copy the directory again, or prepare it again."
                )
        for part in ([name for name in sizes if name != MANIFEST], [MANIFEST]):
            _pass_on(part, self._examples.path, examples.path)


def _sha256(path: epath.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pass_on(names: list[str], source: epath.Path, target: epath.Path) -> None:
    if is_remote(source) and is_remote(target):
        RemoteDirectory(source).copy(names, RemoteDirectory(target))
    elif is_remote(source):
        RemoteDirectory(source).download(names, pathlib.Path(target))
    elif is_remote(target):
        RemoteDirectory(target).upload(names, pathlib.Path(source))
    else:
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source / name, target / name)
            except OSError:  # another file system, or one without links
                (source / name).copy(target / name)
