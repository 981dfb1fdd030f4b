"""Whether there is a network of a name for images of a size, told before photographs are prepared for it."""

from etils import epath

from zfnet.pipeline.metadata_database import open_metadata


def refuse_unusable_architecture(root: epath.PathLike, name: str, image_size: int, metadata_url: str | None = None) -> None:
    """Fails if there is no architecture `name`, or if images are too small for it.

    The table of architectures takes seconds to import, for TensorFlow; what was trained under `root` before is known without it.

    Args:
        root: the root.
        name: what is to be the name of an architecture, or of a variation of one.
        image_size: side of the network's input, in pixels.
        metadata_url: the database that runs were recorded in, see `open_metadata`; None for the root's own.

    Raises:
        ValueError: there is none of that name, or not for images of that size.
    """
    with open_metadata(root, metadata_url) as session:
        made = session.executions(step="ExampleGen", status="done")
        sizes = {each.artifacts("output")["examples"].digest: each.parameters["image_size"] for each in made}
        for trained in session.executions(step="Trainer", status="done"):
            if trained.parameters["architecture"] == name and sizes.get(trained.artifacts("input")["examples"].digest) == image_size:
                return
    refuse_small_images(name, image_size)


def refuse_small_images(name: str, image_size: int) -> None:
    """Fails if there is no architecture `name`, or not for images of that size.

    Args:
        name: what is to be the name of an architecture, or of a variation of one.
        image_size: side of the network's input, in pixels.

    Raises:
        ValueError: there is none of that name, or not for images of that size.
    """
    from zfnet.model.net.architecture import find_architecture

    architecture = find_architecture(name)
    try:
        architecture.refuse_small(image_size, image_size)
    except ValueError as error:
        raise ValueError(f"Images of {image_size} x {image_size} pixels are too small for {name}: {error}") from error
