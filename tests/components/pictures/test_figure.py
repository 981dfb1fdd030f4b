import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from zfnet.components.pictures.figure import Figure, encode_png, picture_files, picture_name, summarize_png, write_png

RED, BLUE = (np.full((4, 6, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))


def test_pictures_come_first_and_numbers_last(tmp_path):
    figure = Figure("thing", {"thing_a": RED, "thing_b": BLUE}, {"pictures": ["thing_a.png", "thing_b.png"]}, {"thing.csv": "a,b\n"})
    written = figure.save(tmp_path / "new" / "folder")
    assert [path.name for path in written] == ["thing_a.png", "thing_b.png", "thing.csv", "thing.json"]
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(path.name for path in written)
    np.testing.assert_array_equal(np.asarray(Image.open(written[1])), BLUE)
    assert json.loads(written[-1].read_text()) == figure.numbers


def test_one_picture_may_be_one_file(tmp_path):
    assert Figure("thing", {"thing": RED}, {}).save(tmp_path / "mine.png") == [tmp_path / "mine.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "mine.png")), RED)
    with pytest.raises(ValueError, match=r"is one picture, and the figure has 2: a, b\. Give a directory"):
        Figure("thing", {"a": RED, "b": BLUE}, {}).save(tmp_path / "mine.png")


def test_a_notebook_shows_every_picture():
    shown = Figure("thing", {"a<b": RED, "c": BLUE}, {})._repr_html_()
    assert shown.count("<img ") == shown.count("data:image/png;base64,") == 2
    assert 'alt="a&lt;b"' in shown


def test_a_terminal_shows_no_pixels():
    assert repr(Figure("thing", {"a": RED, "b": BLUE}, {})) == "<Figure 'thing': a, b>"
    assert repr(Figure("thing", {}, {})) == "<Figure 'thing': no pictures>"


def test_no_two_layers_share_a_file():
    layers = ["conv", "a/b", "a_b", "a%2Fb", "a#2"]
    names = [picture_name("gallery", layer) for layer in layers]
    assert len(set(names)) == len(layers)
    assert not any("/" in name for name in names)
    assert names[0] == "gallery_conv"


def test_files_are_read_off_the_numbers():
    assert picture_files({"pictures": ["a.png"]}) == ["a.png"]
    assert picture_files({"conv1": {"maps": {"3": []}}, "dead": {"maps": {}}}) == ["gallery_conv1.png"]


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
