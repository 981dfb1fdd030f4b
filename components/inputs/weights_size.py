"""The size of a model file once it is unpacked, which may be a thousand times that of the file."""

import pathlib

import h5py

LARGEST = 4 << 30
# Weights hardly compress, unless most are zero. Small files may unpack to any share of SMALL.
RATIO, SMALL = 20, 64 << 20


def check_unpacked_size(path: pathlib.Path, packed: int, unpacked: int) -> None:
    """Checks the size that a model file claims before it is read.

    Args:
        path: the file, for the message.
        packed: its size, in bytes.
        unpacked: the size of what it holds, in bytes.

    Raises:
        ValueError: it holds more than 4 GiB, or more than 64 MiB and more than twenty times its size.
    """
    if unpacked > min(LARGEST, max(SMALL, RATIO * packed)):
        raise ValueError(
            f"{path} has {packed} bytes and holds {unpacked}. Model files that hold more than {LARGEST} bytes, or more than {SMALL} and "
            f"{RATIO} times their size, are not opened."
        )


def arrays_size(file: h5py.File) -> int:
    """The bytes of all arrays in an HDF5 file, which are compressed, or were never written and count as zeros.

    Raises:
        ValueError: an array is in another file.
    """
    sizes = []

    def add(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise ValueError(f"the array {name} is in another file, which is not read")
            sizes.append(item.nbytes)

    links: list[tuple[str, object]] = []
    file.visititems_links(lambda name, link: links.append((name, link)))
    for name, link in links:
        if isinstance(link, h5py.ExternalLink):
            raise ValueError(f"{name} is in another file, {link.filename}, which is not read")
    file.visititems(add)
    return sum(sizes)
