"""Whether there is a network of a name, told before photographs are prepared for it."""

from etils import epath

from zfnet.pipeline.metadata_database import open_metadata


def refuse_unknown_architecture(root: epath.PathLike, name: str, metadata_url: str | None = None) -> None:
    """Fails if there is no architecture `name`.

    The table of architectures takes seconds to import, for TensorFlow; a network that was trained under `root` before is known without it.

    Args:
        root: the root.
        name: what is to be the name of an architecture, or of a variation of one.
        metadata_url: the database that runs were recorded in, see `open_metadata`; None for the root's own.

    Raises:
        ValueError: there is none of that name.
    """
    with open_metadata(root, metadata_url) as session:
        if any(trained.parameters.get("architecture") == name for trained in session.executions(step="Trainer", status="done")):
            return
    from zfnet.model.net.architecture import find_architecture

    find_architecture(name)
