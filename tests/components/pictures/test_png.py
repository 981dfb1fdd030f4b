import io

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from zfnet.components.pictures.png import encode_png, summarize_png, write_png

PICTURE = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)


def test_no_pixel_is_lost(tmp_path):
    write_png(PICTURE, tmp_path / "picture.png")
    for file in (tmp_path / "picture.png", io.BytesIO(encode_png(PICTURE))):
        picture = Image.open(file)
        assert picture.format == "PNG"
        np.testing.assert_array_equal(np.asarray(picture), PICTURE)


def test_tensorboard_reads_it_as_an_image(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default(step=3):
        summarize_png("noise", PICTURE, "Nothing to see.")
        summarize_png("encoded", PICTURE, "The same.", encode_png(PICTURE))
    writer.close()
    log = EventAccumulator(str(tmp_path)).Reload()
    (event,) = log.Tensors("noise")
    width, height, encoded = event.tensor_proto.string_val
    assert (event.step, width, height) == (3, b"40", b"30")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encoded))), PICTURE)
    assert log.Tensors("encoded")[0].tensor_proto.string_val == event.tensor_proto.string_val
    described = log.SummaryMetadata("noise")
    assert (described.plugin_data.plugin_name, described.summary_description) == ("images", "Nothing to see.")
