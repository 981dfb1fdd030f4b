"""Open the data that a DATA argument names."""

from etils import epath

from zfnet.components.data.sources.csv_table import CsvSource
from zfnet.components.data.sources.folder import FolderSource
from zfnet.components.data.sources.photo_patches import PhotoPatchesSource
from zfnet.components.data.sources.prepared import PreparedSource
from zfnet.components.data.sources.source import Source
from zfnet.components.data.sources.tfds import TfdsSource
from zfnet.components.storage.files import is_remote

FOLDER = "a folder that holds one folder of photographs for each class"


def open_source(data: str, download_dir: epath.PathLike) -> Source | PreparedSource:
    """Opens the source that a DATA argument names. Nothing is downloaded or decoded yet, and TensorFlow is imported for TFDS names alone.

    Args:
        data: `photo_patches`; a folder of photographs (`train/CLASS/*` and `validation/CLASS/*`, or `CLASS/*` alone); a CSV of path and
            label; a directory that ExampleGen wrote; or the name of a TFDS data set, such as `imagenette/320px-v2`, with splits of it
            if wanted: `imagenette/320px-v2@train[:10%]`. Folders, files and directories may be remote: `gs://bucket/photographs`.
        download_dir: where TFDS prepares data sets, unless the environment variable `TFDS_DATA_DIR` names another place.

    Raises:
        ValueError: DATA names none of these, or no photographs in at least two classes.

    Examples:
        >>> open_source("photo_patches", tmp_path).labels[:3]
        ['astronaut', 'brick', 'camera']
    """
    if data == "photo_patches":
        return PhotoPatchesSource()
    path = epath.Path(data).expanduser()
    if data and (path / "manifest.json").exists():
        return PreparedSource(data)
    if data and any((path / name).exists() for name in ("run.json", "metadata.sqlite")):
        raise ValueError(
            f"DATA {data} is a directory that a run wrote, not photographs: give what that run was given, or the examples that it "
            f"prepared, {data.rstrip('/')}/example_gen/NUMBER/examples."
        )
    if data and path.is_dir():
        return FolderSource(data)
    if data.lower().endswith(".csv"):
        return CsvSource(data)
    if path.exists() and data:
        raise ValueError(f"DATA {data} is a file: expected {FOLDER}, or a .csv of path and label.")
    if not data or path.is_absolute() or data.startswith((".", "~")) or is_remote(data):
        expected = f"{FOLDER}, a .csv of path and label, or a directory of prepared examples"
        raise ValueError(f"DATA {data!r} does not exist: expected {expected}.")
    return TfdsSource(data, download_dir)
