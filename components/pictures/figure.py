"""Figures, pictures with the numbers that are drawn in them; pictures as PNG."""

import base64
import dataclasses
import functools
import html
import io
import json
import os
import pathlib
from typing import Any

import numpy as np
from PIL import Image

# zlib's usual 6 takes two to three times as long for 5 % fewer bytes.
COMPRESSION = 3


@dataclasses.dataclass(frozen=True, repr=False)
class Figure:
    """Pictures and numbers that a function has drawn; nothing is written before `save`.

    Args:
        name: of the file with the numbers, without `.json`; for a command's figure the command's name.
        pictures: uint8 arrays `(height, width, 3)` by the names of their files without `.png`, in the order to look at them.
        numbers: every number that is drawn, as JSON holds it. A command's figure also has `pictures`, the names of its PNG files: by these
            the next drawing removes them.
        texts: further files by their names, such as the same numbers as CSV.

    Examples:
        >>> figure = Figure("grey", {"grey": np.full((2, 2, 3), 128, np.uint8)}, {"value": 128})
        >>> [path.name for path in figure.save(tmp_path)]
        ['grey.png', 'grey.json']
    """

    name: str
    pictures: dict[str, np.ndarray]
    numbers: dict[str, Any]
    texts: dict[str, str] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def encoded(self) -> dict[str, bytes]:
        """The pictures as PNG, by their names."""
        return {name: encode_png(picture) for name, picture in self.pictures.items()}

    def save(self, path: str | os.PathLike) -> list[pathlib.Path]:
        """Writes the figure, the numbers last, and returns the paths of the files.

        Args:
            path: a directory, made if missing, for all files; or a file `.png` for the picture alone.

        Raises:
            ValueError: `path` is one file, and there are several pictures or none.
        """
        path = pathlib.Path(path)
        if path.suffix == ".png":
            if len(self.pictures) != 1:
                raise ValueError(
                    f"{path} is one picture, and the figure has {len(self.pictures)}: {', '.join(self.pictures)}. Give a directory."
                )
            contents = {path: next(iter(self.encoded.values()))}
        else:
            contents = {path / f"{name}.png": encoded for name, encoded in self.encoded.items()}
            contents |= {path / name: text.encode() for name, text in self.texts.items()}
            contents[path / f"{self.name}.json"] = json.dumps(self.numbers, indent=1).encode()
        for file, content in contents.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            partial = file.with_name(f".{file.name}.partial")
            partial.write_bytes(content)
            partial.replace(file)
        return list(contents)

    def __repr__(self) -> str:
        """The name of the figure and of its pictures; pixels and numbers are in its attributes."""
        return f"<Figure {self.name!r}: {', '.join(self.pictures) or 'no pictures'}>"

    def _repr_html_(self) -> str:
        """All pictures below each other, for a notebook."""
        images = (
            f'<img alt="{html.escape(name)}" src="data:image/png;base64,{base64.b64encode(encoded).decode()}">'
            for name, encoded in self.encoded.items()
        )
        return "<br>".join(images)


def picture_name(figure: str, layer: str) -> str:
    """Name of a layer's picture in a figure, without `.png`; slashes are escaped, so that no two layers share a file.

    Examples:
        >>> picture_name("gallery", "conv2/relu")
        'gallery_conv2%2Frelu'
    """
    return f"{figure}_{layer.replace('%', '%25').replace('/', '%2F')}"


def picture_files(numbers: dict[str, Any]) -> list[str]:
    """Names of a figure's PNG files, from its numbers: the list there, or a gallery's, whose keys are layers."""
    listed = numbers.get("pictures")
    if isinstance(listed, list):
        return listed
    return [f"{picture_name('gallery', layer)}.png" for layer, found in numbers.items() if found["maps"]]


def encode_png(picture: np.ndarray) -> bytes:
    """Encodes a picture, uint8 `(height, width, 3)`."""
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, "PNG", compress_level=COMPRESSION)
    return encoded.getvalue()


def write_png(picture: np.ndarray, path: os.PathLike) -> None:
    """Writes a picture, uint8 `(height, width, 3)`, to a file."""
    pathlib.Path(path).write_bytes(encode_png(picture))


def summarize_png(tag: str, picture: np.ndarray, description: str, encoded: bytes | None = None) -> None:
    """Writes a picture, uint8 `(height, width, 3)`, as an image summary of TensorBoard, at the default step of the current writer.

    `tf.summary.image` spends more time on encoding. `description` is Markdown; `encoded` is the picture as PNG, if it was encoded before.
    """
    import tensorflow as tf
    from tensorboard.plugins.image import metadata

    height, width = picture.shape[:2]
    content = tf.constant([str(width), str(height), encoded or encode_png(picture)])
    tf.summary.write(tag, content, metadata=metadata.create_summary_metadata(display_name=None, description=description))
