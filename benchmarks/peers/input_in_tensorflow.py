"""Random crops of stored images as TensorFlow's users read them: Keras' folders, and TFDS with and without decoding the crop alone.

Each function gives a data set of batches like those of `training_batches`: random crops, half of them mirrored, centred floats, and labels.
All use the settings that their guides recommend: parallel calls and prefetching are left to TensorFlow's tuner.
"""

# A grey level to subtract, as people do who have no mean image.
MEAN = 120.0
# Encoded images that are shuffled at a time.
SHUFFLED = 10_000


def keras_folder(folder: str, side: int, size: int, batch_size: int):
    """Reads a folder of classes with `keras.utils.image_dataset_from_directory`, and crops with Keras' layers, a batch at a time.

    Args:
        folder: `CLASS/NAME.jpg`, images of `side` pixels.
        side: pixels of the images.
        size: pixels of the crops.
        batch_size: images a batch.

    Returns:
        Endless data set of float images `(batch_size, size, size, 3)` and labels.
    """
    import keras
    import tensorflow as tf

    layers = [keras.layers.RandomCrop(size, size), keras.layers.RandomFlip("horizontal"), keras.layers.Rescaling(1.0, offset=-MEAN)]
    images = keras.utils.image_dataset_from_directory(folder, image_size=(side, side), batch_size=batch_size, verbose=False).repeat()

    def augment(batch, labels):
        for layer in layers:
            batch = layer(batch, training=True)
        return batch, labels

    return images.map(augment, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def tfds_decoded(folder: str, size: int, batch_size: int):
    """Reads prepared examples with TFDS, which decodes whole images, and crops them with `tf.image.random_crop`.

    `folder` has prepared examples, which TFDS reads as any of its data sets; other arguments and result are those of `keras_folder`.
    """
    import tensorflow as tf

    return _cropped(_open(folder, encoded=False), lambda image: tf.image.random_crop(image, (size, size, 3)), size, batch_size)


def tfds_crop_decoded(folder: str, side: int, size: int, batch_size: int):
    """Reads prepared examples with TFDS without decoding, and decodes a random crop alone; arguments are those of `keras_folder`."""
    import tensorflow as tf

    def crop(encoded):
        top, left = tf.unstack(tf.random.uniform([2], maxval=side - size + 1, dtype=tf.int32))
        return tf.image.decode_and_crop_jpeg(encoded, [top, left, size, size], channels=3)

    return _cropped(_open(folder, encoded=True), crop, size, batch_size)


def _open(folder: str, encoded: bool):
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    wanted = {"image": builder.info.features["image"], "label": builder.info.features["label"]}
    decoders = {"image": tfds.decode.SkipDecoding()} if encoded else None
    return builder.as_dataset("train", shuffle_files=True, decoders=tfds.decode.PartialDecoding(wanted, decoders)).repeat()


def _cropped(examples, crop, size: int, batch_size: int):
    import tensorflow as tf

    def augment(example):
        image = tf.image.random_flip_left_right(crop(example["image"]))
        return tf.ensure_shape(tf.cast(image, tf.float32) - MEAN, (size, size, 3)), example["label"]

    # Encoded images are shuffled in memory; decoded ones would not fit, and TFDS shuffles their files.
    if examples.element_spec["image"].dtype == tf.string:
        examples = examples.shuffle(SHUFFLED)
    batches = examples.map(augment, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size, drop_remainder=True)
    return batches.prefetch(tf.data.AUTOTUNE)
