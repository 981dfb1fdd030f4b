"""Prepared examples as batches to train on, with the paper's crops; a batch depends on seed, epoch and step alone."""

from typing import Any

import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import FEATURES, decode_crop, own_shard
from zfnet.components.data.crops import Crops
from zfnet.model.net.evaluation import CROPS, crop_corner

# Size of the shuffle buffer: all of a small data set, a part of a large one, whose shards are a random mixture already.
SHUFFLED = 20_000
# Shards read at a time, so that a slow disk or network does not hold training up.
READERS = 16
# Decoded images are kept in memory up to this many bytes: decoding them in every epoch takes up to a tenth of a step.
MOST_HELD = 256 << 20
# Strong augmentation: the side of the smallest square, as a share of the image's; the smallest and largest factor of brightness; the
# largest shift of a channel (of 0..255), up or down; and the share of the images that turn grey.
SMALLEST, GAINS, SHIFT, GREY = 0.6, (0.7, 1.3), 25.0, 0.8
# Random numbers of an image are whole numbers below this.
DRAWS = 1 << 30


def training_batches(
    examples: Examples,
    mean: np.ndarray,
    *,
    size: int,
    batch_size: int,
    seed: int,
    first_epoch: int,
    epochs: int,
    crops: str,
    strong_epochs: int = 0,
    first_step: int = 0,
    centred: bool = True,
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """Batches of the split `train`, epoch after epoch; a step's images depend on `seed` and the numbers of epoch and step alone.

    Zeiler & Fergus 2013, section 3: subtract the mean image, then crop.

    Args:
        mean: mean image, float `(side, side, 3)`, values 0..255.
        size: side of the crops, in pixels.
        batch_size: images a step, over all replicas; the few that do not fill an epoch's last batch are skipped in that epoch.
        first_epoch, epochs: number of the first epoch, counted from 0, and of the epoch to stop before.
        crops: `"ten"`: one of the paper's ten for each image; `"random"`: any place, flipped or not.
        strong_epochs: number of the first epoch without strong augmentation, which is not in the paper: earlier epochs take, instead of a
            crop, a square of another size (`scaled_boxes`), scaled to that of a crop, in other colours (`vary_colours`).
        first_step: step of the first epoch to begin at, counted from 0; images of earlier steps are not decoded.
        centred: False leaves mirroring and centring to `centring`, on the device that trains, which spares the cores. Such batches are
            the paper's ten crops alone, without strong augmentation.
        context: the input pipeline whose part of every batch is wanted; `None` takes the whole.

    Returns:
        Data set of pairs: centred float images `(n, size, size, 3)`, about -128..128, or `Crops`, and int64 labels, where n is the share of
        one replica; the replicas' shares of a batch follow each other.

    Raises:
        ValueError: `centred` is False for other crops, or with strong augmentation.

    Examples:
        >>> mean = np.zeros((examples.side, examples.side, 3))
        >>> batches = training_batches(examples, mean, size=96, batch_size=8, seed=0, first_epoch=0, epochs=1, crops="ten")
        >>> next(iter(batches))[0].shape
        TensorShape([8, 96, 96, 3])
    """
    context = context or tf.distribute.InputContext()
    if not centred and (crops != "ten" or strong_epochs):
        given = f"crops={crops!r} and strong_epochs={strong_epochs}"
        raise ValueError(f"There are {given} with centred=False; expected crops='ten' and strong_epochs=0. Use centred=True with others.")
    mean = tf.constant(mean, tf.float32)
    crop = {"ten": _one_of_ten, "random": _anywhere}[crops]
    held = _decode_all(examples) if examples.count("train") * 3 * examples.side**2 <= MOST_HELD else None

    def epoch_batches(epoch, strong):
        step = tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), 0)
        whole = _whole_batches(examples, seed, epoch, batch_size, held is not None)
        records = own_shard(whole.skip(step * batch_size), batch_size, context)

        def load(number, record):
            read, label = _in_memory(*held, record) if held else _in_record(record)
            draw_seed = tf.stack([seed + epoch * 2**32, number])
            draw = tf.random.stateless_uniform([3], draw_seed, maxval=DRAWS, dtype=tf.int32)
            if not centred:
                return _one_stored(read, draw, mean.shape[0], size), label
            if not strong:
                return _cropped(read, mean, crop(draw, mean.shape[0], size), size), label
            colours = tf.random.stateless_uniform([5], tf.random.fold_in(draw_seed, 1))
            return read(0, 0, mean.shape[0]), draw, colours, label

        def augment(images, draws, colours, labels):
            squares = tf.image.crop_and_resize(tf.cast(images, tf.float32) - mean, scaled_boxes(draws), tf.range(share), (size, size))
            return vary_colours(squares, colours), labels

        share = batch_size // context.num_replicas_in_sync
        batches = records.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(share, drop_remainder=True)
        # All images of a batch at once, which takes a third of the time.
        return batches.map(augment, num_parallel_calls=tf.data.AUTOTUNE) if strong else batches

    def of_epochs(first, end, strong):
        return tf.data.Dataset.range(first, max(first, end)).flat_map(lambda epoch: epoch_batches(epoch, strong))

    batches = of_epochs(max(first_epoch, strong_epochs), epochs, strong=False)
    if strong_epochs:
        batches = of_epochs(first_epoch, min(strong_epochs, epochs), strong=True).concatenate(batches)
    # Operations share the cores with the step that they prepare: in several threads each they hold it up.
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    return batches.prefetch(2).with_options(options)


def vary_colours(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Varies the colours of images: brightness and contrast, a cast, and four fifths of them become grey.

    Not in the paper. If colour alone distinguishes classes, a net learns colours and no shapes.

    Images are centred floats `(n, height, width, 3)`, about -128..128. Each is multiplied by 0.7 to 1.3, and -25 to 25 is added in each
    channel; if it turns grey, every channel becomes the mean over the channels. `draws`, float `(n, 5)`, 0..1, are random numbers of each
    image: for the gain, the shift of each channel, and turning grey.

    Examples:
        >>> vary_colours(tf.ones((1, 1, 1, 3)), tf.constant([[1.0, 0.5, 0.5, 1.0, 0.9]])).numpy().round(1)
        array([[[[ 1.3,  1.3, 26.3]]]], dtype=float32)
    """
    # Broadcasting along a last dimension of 3 takes most of the time: whole rows are shifted instead, greys are copied by a product with
    # ones, and images are selected as a whole. In half the time the result is the same to the bit.
    shape, width = tf.shape(images), images.shape[2]
    gains = GAINS[0] + (GAINS[1] - GAINS[0]) * draws[:, None, :1]
    shifts = tf.tile(SHIFT * (2 * draws[:, None, 1:4] - 1), (1, 1, width))
    varied = tf.reshape(tf.reshape(images, (shape[0], shape[1], 3 * width)) * gains + shifts, shape)
    greys = tf.reshape(tf.reduce_mean(varied, axis=-1), (-1, 1))
    return tf.raw_ops.Select(condition=draws[:, 4] < GREY, x=tf.reshape(tf.matmul(greys, tf.ones((1, 3))), shape), y=varied)


def scaled_boxes(draws: tf.Tensor) -> tf.Tensor:
    """Places the squares of strong augmentation, with a side of 0.6 to 1 of the image's.

    `draws`, int32 `(n, 3)`, 0 to `DRAWS` - 1, are random numbers of each image: for side and flip, row, and column. The result is float
    `(n, 4)`: first row, first column, last row, last column, as shares of the image's last row and column; if the last column is smaller
    than the first, the square is flipped.

    Examples:
        >>> scaled_boxes(tf.constant([[0, 0, DRAWS // 2]])).numpy().round(2)
        array([[0. , 0.2, 0.6, 0.8]], dtype=float32)
    """
    shares, down, along = tf.unstack(tf.cast(draws, tf.float32) / DRAWS, axis=1)
    shares = SMALLEST + (1 - SMALLEST) * shares
    top, left = (1 - shares) * down, (1 - shares) * along
    flipped = draws[:, 0] % 2 == 1
    first, last = tf.where(flipped, left + shares, left), tf.where(flipped, left, left + shares)
    return tf.stack([top, first, top + shares, last], axis=1)


def training_ids(examples: Examples, *, batch_size: int, seed: int, epoch: int, step: int) -> list[str]:
    """The ids of the examples in one step of `training_batches`, in order; epoch, and step in that epoch, are counted from 0."""
    epochs = tf.data.Dataset.range(epoch, epoch + 1)
    records = epochs.flat_map(lambda number: _whole_batches(examples, seed, number, batch_size, held=False))
    records = records.skip(step * batch_size).take(batch_size)
    feature = {"id": tf.io.FixedLenFeature([], tf.string)}
    return [tf.io.parse_single_example(record, feature)["id"].numpy().decode() for _, record in records]


def _whole_batches(examples: Examples, seed: int, epoch: tf.Tensor, batch_size: int, held: bool) -> tf.data.Dataset:
    """The numbered records of an epoch in its order, as many as fill whole batches; if they are held in memory, their places there."""
    shards: Any = examples.shards("train")
    if held:
        ends = np.cumsum([0, *examples.shard_counts("train")])
        shards = np.stack([ends[:-1], ends[1:]], axis=1)
    shards = tf.random.experimental.stateless_shuffle(tf.constant(shards), seed=tf.stack([seed, epoch]))
    records = tf.data.Dataset.from_tensor_slices(shards).interleave(
        (lambda place: tf.data.Dataset.range(place[0], place[1])) if held else tf.data.TFRecordDataset,
        cycle_length=READERS,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    # This graph's seed: with a global seed instead, the order would depend on it, and 0 would be an error.
    tf.compat.v1.set_random_seed(seed + 1)
    records = records.shuffle(SHUFFLED, seed=seed * 1_000_003 + epoch, reshuffle_each_iteration=False).enumerate()
    return records.take(examples.count("train") // batch_size * batch_size)


def _decode_all(examples: Examples) -> tuple[tf.Tensor, tf.Tensor]:
    """All training images, uint8 `(count, side, side, 3)`, and their labels, in the order of the shards."""

    def decode(record):
        example = tf.io.parse_single_example(record, FEATURES)
        return decode_crop(example["image"], 0, 0, examples.side), example["label"]

    records = tf.data.TFRecordDataset(examples.shards("train"))
    return records.map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(examples.count("train")).get_single_element()


def _in_memory(images, labels, place):
    return lambda top, left, size: tf.gather(images, place)[top : top + size, left : left + size], tf.gather(labels, place)


def _in_record(record):
    example = tf.io.parse_single_example(record, FEATURES)
    return lambda top, left, size: decode_crop(example["image"], top, left, size), example["label"]


def _cropped(read, mean, place, size):
    top, left, flipped = place
    image = tf.cast(read(top, left, size), tf.float32) - mean[top : top + size, left : left + size]
    # Not `image[:, ::-1]`, which takes longer than all the rest, and only if it is needed.
    return tf.ensure_shape(tf.cond(flipped, lambda: tf.reverse(image, [1]), lambda: image), (size, size, 3))


def _one_stored(read, draw, side, size):
    top, left, _ = _one_of_ten(draw, side, size)
    return Crops(tf.ensure_shape(read(top, left, size), (size, size, 3)), draw[0] % CROPS)


def _one_of_ten(draw, side, size):
    index = draw[0] % CROPS
    return *crop_corner(index, side, size), index >= CROPS // 2


def _anywhere(draw, side, size):
    return draw[0] % (side - size + 1), draw[1] % (side - size + 1), draw[2] % 2 == 1
