"""The files of the page: one HTML file that holds everything, or a small one with its pictures and numbers in a folder beside it."""

import base64
import collections
import html
import importlib.resources
import json
import pathlib
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

CODE = "page"  # The folder of the page's own files, in this package.
# In the order in which they run; each is a script without imports.
SCRIPTS = ("parts.js", "dom.js", "state.js", "checks.js", "layers.js", "unit.js", "classes.js", "photographs.js", "keys.js", "start.js")
# Threads that encode pictures, and pictures that wait for them, at most: their pixels stay in memory.
THREADS, WAITING = 2, 16


class Page:
    """Collects the parts of a page: they go into the file itself, or with `folder` into a directory beside it at once.

    Threads encode the pictures until the end of the `with` statement.

    Args:
        file: the HTML file to write in the end; an existing one is replaced, and so are the files beside it.
        folder: whether pictures and numbers are files of their own, in the directory `<name>_files`.

    Raises:
        ValueError: that directory has other files.
    """

    def __init__(self, file: pathlib.Path, folder: bool = False) -> None:
        self.file, self.beside = file, file.with_name(f"{file.stem}_files")
        self._unfinished = file.with_name(f".{file.name}.writing")
        self._partial = self.beside.with_name(f".{self.beside.name}.writing") if folder else None
        if strange := [path.name for path in self.beside.glob("*") if path.suffix not in (".webp", ".js")]:
            raise ValueError(
                f"{self.beside} has other files than those of a page, such as {strange[0]}; expected a directory of an earlier page, or "
                "none. Move it, or give the page another name."
            )
        self._embedded: list[str] = []
        self._pool, self._waiting = ThreadPoolExecutor(THREADS), collections.deque[tuple[str, Future[bytes]]]()
        self._remove_partial()
        if self._partial:
            self._partial.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._remove_partial()

    def _remove_partial(self) -> None:
        if self._partial:
            shutil.rmtree(self._partial, ignore_errors=True)
        self._unfinished.unlink(missing_ok=True)

    def add_picture(self, name: str, encode: Callable[[], bytes]) -> None:
        """Adds a picture, which `encode` gives as WebP, under a name of letters, digits and hyphens."""
        self._waiting.append((name, self._pool.submit(encode)))
        self._take_pictures(WAITING)

    def _take_pictures(self, most: int) -> None:
        while len(self._waiting) > most:
            name, encoded = self._waiting.popleft()
            self._add_encoded(name, encoded.result())

    def _add_encoded(self, name: str, encoded: bytes) -> None:
        if self._partial:
            (self._partial / f"{name}.webp").write_bytes(encoded)
        else:
            self._embedded.append(f'<script type="text/plain" id="{name}">{base64.b64encode(encoded).decode()}</script>')

    def add_numbers(self, name: str, numbers: Any) -> None:
        """Adds numbers and text, as JSON holds them."""
        encoded = as_script(numbers)
        if self._partial:
            # A page that was opened as a file may load scripts, but may not read other files.
            (self._partial / f"{name}.js").write_text(f"receive({json.dumps(name)}, {encoded});\n", encoding="utf-8")
        else:
            self._embedded.append(f'<script type="application/json" id="{name}">{encoded}</script>')

    def write(self, title: str, index: dict[str, Any]) -> None:
        """Writes the page: `index` is what it needs before any part."""
        self._take_pictures(0)
        code = importlib.resources.files(__package__) / CODE
        index = index | {"folder": self.beside.name if self._partial else None}
        page = (code / "index.html").read_text(encoding="utf-8")
        parts = {
            "title": html.escape(title),
            "style": (code / "style.css").read_text(encoding="utf-8"),
            "index": as_script(index),
            "parts": "\n".join(self._embedded),
            "scripts": "\n".join((code / name).read_text(encoding="utf-8") for name in SCRIPTS),
        }
        before, *rest = page.split("{{")  # No text of the data is searched for places.
        page = before + "".join(parts[piece.split("}}", 1)[0].strip()] + piece.split("}}", 1)[1] for piece in rest)
        self._unfinished.write_text(page, encoding="utf-8")
        shutil.rmtree(self.beside, ignore_errors=True)
        if self._partial:
            self._partial.rename(self.beside)
        self._unfinished.replace(self.file)


def as_script(value: Any) -> str:
    """JSON that can stay in an HTML script whatever text is in it: no tag can end or begin there.

    Examples:
        >>> as_script({"class": "</script>"})
        '{"class":"\\\\u003c/script>"}'
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
