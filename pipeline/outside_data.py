"""Photographs and what is made of them are kept apart."""

import pathlib


def refuse_inside_data(directory: pathlib.Path, data: str, option: str) -> None:
    """Fails if `directory` is the directory DATA or lies inside of it, where it would be taken for a class of photographs.

    Args:
        directory: a directory to be written.
        data: the DATA argument; what is no local directory holds nothing.
        option: the option by which `directory` is given, for the message.

    Raises:
        ValueError: it lies there.
    """
    photographs = pathlib.Path(data).expanduser()
    # As for `open_source`, the data set has the name before a directory.
    if not data or data == "photo_patches" or not photographs.is_dir():
        return
    if directory.resolve().is_relative_to(photographs.resolve()):
        raise ValueError(
            f"The directory {directory} lies inside of DATA {data}, where it would be taken for photographs. "
            f"Give one outside of it with {option}."
        )
