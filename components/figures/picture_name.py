"""Names of the files that pictures of layers are written to."""


def picture_name(figure: str, layer: str) -> str:
    """Name of the file that a figure of a layer is written to.

    Names of layers may have a slash, names of files not; and no two layers share a file.

    Examples:
        >>> picture_name("gallery", "conv2/relu")
        'gallery_conv2%2Frelu.png'
    """
    return f"{figure}_{layer.replace('%', '%25').replace('/', '%2F')}.png"
