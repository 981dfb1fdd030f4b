"""Photographs and what is made of them are kept apart."""

import pathlib

from etils import epath


def refuse_inside_data(directory: pathlib.PurePath, data: str, option: str) -> None:
    """Fails if `directory` is the directory DATA or lies inside of it, where it would be taken for a class of photographs.

    Args:
        directory: a directory to be written, local or remote.
        data: the DATA argument; what is no directory holds nothing.
        option: the option by which `directory` is given, for the message.

    Raises:
        ValueError: it lies there.
    """
    # As for `open_source`, the data set has the name before a directory.
    if not data or data == "photo_patches":
        return
    if "://" in data:
        inside = epath.Path(directory).is_relative_to(epath.Path(data))
    else:
        photographs = pathlib.Path(data).expanduser()
        inside = photographs.is_dir() and "://" not in str(directory)
        inside = inside and pathlib.Path(directory).resolve().is_relative_to(photographs.resolve())
    if inside:
        raise ValueError(
            f"The directory {directory} lies inside of DATA {data}, where it would be taken for photographs. "
            f"Give one outside of it with {option}."
        )
