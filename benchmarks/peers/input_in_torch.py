"""Random crops of stored images as PyTorch's users read them: `DataLoader` with torchvision's transforms, in an environment of its own.

Run with the Python of that environment: `python input_in_torch.py FOLDER SIZE BATCH_SIZE WORKERS`. FOLDER has `CLASS/NAME.jpg`. The process
prints its versions as JSON. Then it reads lines `WAY WARM_UP BATCHES` from its input, and prints how many seconds the batches took.
"""

import itertools
import json
import sys
import time

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def open_folders(folder: str, size: int) -> dict:
    """Opens a folder of classes by way: `pillow` is torchvision's default, `decode_image` its own decoder with its newer transforms.

    Args:
        folder: `CLASS/NAME.jpg`.
        size: pixels of the crops.

    Returns:
        `ImageFolder`s of float images `(3, size, size)` and labels.
    """
    import torch
    from torchvision import datasets, io, transforms
    from torchvision.transforms import v2

    pillow = [transforms.RandomCrop(size), transforms.RandomHorizontalFlip(), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    own = [v2.RandomCrop(size), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]

    def decode(path):
        return io.decode_image(io.read_file(path), mode=io.ImageReadMode.RGB)

    return {
        "pillow": datasets.ImageFolder(folder, transforms.Compose(pillow)),
        "decode_image": datasets.ImageFolder(folder, v2.Compose(own), loader=decode),
    }


def time_batches(images, batch_size: int, workers: int, warm_up: int, batches: int) -> float:
    """Starts workers, takes batches to warm up, measures the seconds of more, over several epochs if need be, and ends the workers."""
    import torch

    # Workers that live on spare their start in every epoch.
    loader = torch.utils.data.DataLoader(
        images, batch_size=batch_size, shuffle=True, num_workers=workers, drop_last=True, persistent_workers=True
    )
    loaded = (batch for _ in itertools.count() for batch in loader)
    for _ in range(warm_up):
        next(loaded)
    start = time.perf_counter()
    for _ in range(batches):
        next(loaded)
    return time.perf_counter() - start


def main(folder: str, size: str, batch_size: str, workers: str) -> None:
    """Answers the lines of the standard input until it ends."""
    import torch
    import torchvision

    folders = open_folders(folder, int(size))
    print(json.dumps({"torch": torch.__version__, "torchvision": torchvision.__version__}), flush=True)
    for line in sys.stdin:
        way, warm_up, batches = line.split()
        print(time_batches(folders[way], int(batch_size), int(workers), int(warm_up), int(batches)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
