"""DATA that ExampleGen wrote before: its shards are passed on as they are."""

import os
import pathlib

from etils import epath

from zfnet.components.artifacts import Examples
from zfnet.components.storage.files import is_remote
from zfnet.components.storage.remote_directory import RemoteDirectory

MANIFEST = "manifest.json"
KEYS = {"image_size", "labels", "published", "rejected", "side", "splits"}


class PreparedSource:
    """A directory of examples, complete with its manifest.

    Args:
        data: the directory.

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

    def fingerprint(self) -> str:
        """Text that changes when the examples do: the manifest holds the digest of every shard."""
        return f"prepared:{self._examples.digest()}"

    def pass_on(self, examples: Examples, image_size: int, num_shards: int | None) -> None:
        """Gives `examples` the same files, the manifest last: as hard links where the file system allows it, or copied by a storage itself.

        Args:
            examples: where to; an empty directory.
            image_size: the image size that is wanted, in pixels.
            num_shards: the number of training shards that is wanted, None for whatever there is.

        Raises:
            ValueError: the examples were prepared for another image size or number of shards, or files are missing or cut off.
        """
        if self._examples.image_size != image_size:
            raise ValueError(
                f"{self.data} was prepared for --image-size {self._examples.image_size}, not {image_size}: give that size, or prepare "
                "the photographs again from where they came from."
            )
        splits = self._examples.read_json(MANIFEST)["splits"]
        if num_shards not in (None, len(splits["train"]["shards"])):
            raise ValueError(
                f"{self.data} has {len(splits['train']['shards'])} training shards, not {num_shards}: leave --num-shards out, or prepare "
                "the photographs again from where they came from."
            )
        sizes = self._examples.sizes()
        for shard in (shard for split in splits.values() for shard in split["shards"]):
            path, size = self._examples.path / shard["file"], sizes.get(shard["file"], 0)
            if size != shard["bytes"]:
                raise ValueError(f"{path} has {size} bytes, expected {shard['bytes']}: copy the directory again, or prepare it again.")
        for part in ([name for name in sizes if name != MANIFEST], [MANIFEST]):
            _pass_on(part, self._examples.path, examples.path)


def _pass_on(names: list[str], source: epath.Path, target: epath.Path) -> None:
    if is_remote(str(source)) and is_remote(str(target)):
        RemoteDirectory(source).copy(names, RemoteDirectory(target))
    elif is_remote(str(source)):
        RemoteDirectory(source).download(names, pathlib.Path(target))
    elif is_remote(str(target)):
        RemoteDirectory(target).upload(names, pathlib.Path(source))
    else:
        for name in names:
            _link_or_copy(source / name, target / name)


def _link_or_copy(file: epath.Path, target: epath.Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except OSError:  # another file system, or one without links
        file.copy(target)
