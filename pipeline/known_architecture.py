"""Whether there is a network of a name, told before photographs are prepared for it."""

import pathlib

import sqlalchemy as sql

from zfnet.pipeline import metadata


def refuse_unknown_architecture(root: pathlib.Path, name: str) -> None:
    """Fails if there is no architecture `name`.

    The table of architectures takes seconds to import, for TensorFlow; a network that was trained under `root` before is known without it.

    Raises:
        ValueError: there is none of that name.
    """
    with metadata.open_metadata(root) as session:
        trained = session.scalars(sql.select(metadata.Execution.parameters).filter_by(step="Trainer", status="done"))
        if any(parameters.get("architecture") == name for parameters in trained):
            return
    from zfnet.model.net.architecture import find_architecture

    find_architecture(name)
