"""Training steps to measure: of this project's nets, and of the same net in PyTorch."""

from collections.abc import Callable

# What the classifier tells apart, as in ImageNet.
CLASSES = 1000


def training_step(architecture, size: int, batch_size: int, batches=None, centre=None) -> Callable[[], None]:
    """Makes a function that trains a net for one step, as the Trainer does.

    Args:
        architecture: a name, or an `Architecture`.
        size: side of the images, in pixels.
        batch_size: images a step.
        batches: iterator over centred images and labels; without it, the same photographs and labels each time.
        centre: as in `make_train_step`.

    Returns:
        The function; it returns when the step is done.
    """
    import itertools

    import keras
    import numpy as np
    import tensorflow as tf
    from report import photographs

    from zfnet.components.training.optimizer import make_optimizer
    from zfnet.components.training.train_step import make_train_step, no_totals
    from zfnet.model.net.build import build

    keras.utils.set_random_seed(1)
    strategy = tf.distribute.MirroredStrategy()
    with strategy.scope():
        net = build(architecture, (size, size, 3), CLASSES)
        net.compile(make_optimizer(1e-4, 0.0, {}))
    if batches is None:
        data = (photographs(batch_size, size), np.arange(batch_size) % CLASSES)
        data = tf.data.Dataset.from_tensors(data).cache().repeat()
        batches = iter(strategy.distribute_datasets_from_function(lambda context: data))
    step = make_train_step(net, strategy, batch_size, centre=centre)
    numbers = itertools.count()

    def run() -> None:
        float(step(batches, no_totals(), tf.constant(next(numbers), tf.int64)).sums[0])

    return run


def record_batches(folder: str, size: int, batch_size: int):
    """An endless iterator over training batches of prepared examples, as the Trainer reads them, and the function that centres them."""
    import tensorflow as tf

    from zfnet.components.artifacts import Examples, Statistics
    from zfnet.components.data.crops import centring
    from zfnet.components.data.training_batches import training_batches

    mean = Statistics(f"{folder}/statistics").mean_image()
    options = {"size": size, "batch_size": batch_size, "seed": 0, "first_epoch": 0, "epochs": 10**6, "crops": "ten", "centred": False}
    batches = training_batches(Examples(f"{folder}/examples"), mean, **options)
    strategy = tf.distribute.MirroredStrategy()
    return iter(strategy.distribute_datasets_from_function(lambda context: batches)), centring(mean, size)


def prepare(folder: str, photographs: int, size: int) -> None:
    """Prepares JPEGs of 500x375 pixels as examples, below a folder."""
    import pathlib

    from preprocessing import make_photographs

    from zfnet.components.artifacts import Examples, Statistics
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples
    from zfnet.components.statistics_gen import generate_statistics

    make_photographs(pathlib.Path(folder) / "photographs", photographs)
    examples = Examples(f"{folder}/examples")
    generate_examples(
        examples,
        source=open_source(f"{folder}/photographs", pathlib.Path(folder)),
        image_size=size,
        num_shards=4,
        max_rejected=0.0,
        runner="FnApiRunner",
        beam_options=(),
    )
    generate_statistics(examples, Statistics(f"{folder}/statistics"), runner="FnApiRunner", beam_options=())


def torch_step(size: int, batch_size: int, channels_last: bool) -> Callable[[], None]:
    """The same step in PyTorch: ZFNet with its classifier, SGD with momentum, the RMS clip, one batch held in memory.

    Args:
        size: side of the images, in pixels.
        batch_size: images a step.
        channels_last: the order of the axes in memory, of which one or the other is faster.

    Returns:
        The function.

    Raises:
        ImportError: PyTorch is not installed; `make bench` installs it.
    """
    import torch
    from peers.zfnet_in_torch import zfnet_in_torch
    from report import photographs
    from torch import nn

    from zfnet.model.net.build import build

    net = zfnet_in_torch(build("zfnet", (size, size, 3), CLASSES), "pool5").requires_grad_(True).train()
    for part in [
        *(nn.Flatten(), nn.LazyLinear(4096), nn.ReLU(), nn.Dropout(0.5)),
        *(nn.LazyLinear(4096), nn.ReLU(), nn.Dropout(0.5), nn.LazyLinear(CLASSES)),
    ]:
        net.append(part)
    order = torch.channels_last if channels_last else torch.contiguous_format
    images = torch.from_numpy(photographs(batch_size, size)).permute(0, 3, 1, 2).contiguous(memory_format=order)
    labels = torch.arange(batch_size) % CLASSES
    net(images[:1])
    net = net.to(memory_format=order)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9)
    kernels = [part.weight for part in net if isinstance(part, nn.Conv2d)]

    def run() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
        with torch.no_grad():
            for kernel in kernels:
                rms = kernel.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
                kernel.mul_(torch.where(rms > 0.1, 0.1 / rms, 1.0))

    return run
