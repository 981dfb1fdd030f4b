"""ROOT/figures: the pictures of the latest run in one place."""

import json
from collections.abc import Iterable

from etils import epath

from zfnet.pipeline.written_beside import written_beside

PUBLISHED = ".published.json"


def publish_figures(directory: epath.Path, files: Iterable[epath.Path]) -> None:
    """Copies `files` into `directory` in place of what was published there before.

    Each is written beside and renamed, so no picture is ever half. A file that is in the directory for another reason stays.

    Args:
        directory: local or remote, made if missing.
        files: pictures and the numbers behind them; their names differ.
    """
    directory.mkdir(parents=True, exist_ok=True)
    record = directory / PUBLISHED
    earlier = set(json.loads(record.read_text())) if record.exists() else set()
    names = {file.name: file for file in files}
    # Recorded before they are copied: if this process is killed, the next one knows all that may be there.
    _record(record, earlier | names.keys())
    for name, file in names.items():
        with written_beside(directory / name) as partial:
            epath.Path(file).copy(partial, overwrite=True)
    for name in earlier - names.keys():
        (directory / name).unlink(missing_ok=True)
    _record(record, names.keys())


def _record(path: epath.Path, names: Iterable[str]) -> None:
    with written_beside(path) as partial:
        partial.write_text(json.dumps(sorted(names)))
