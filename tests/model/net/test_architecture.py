import pytest

from zfnet.model.net.architecture import ALEXNET, ARCHITECTURES
from zfnet.model.net.variation import find_architecture


def test_rows_leave_out_what_their_name_says():
    row = ARCHITECTURES["alexnet-without-3-4-6-7"]
    assert [layer.name for layer in row.convolutions] == ["conv1", "conv2", "conv5"]
    assert row.dense == ()
    assert [layer.name for layer in ALEXNET.convolutions] == ["conv1", "conv2", "conv3", "conv4", "conv5"]


def test_wide_row_has_the_filters_of_table_2():
    filters = {layer.name: layer.filters for layer in ARCHITECTURES["zfnet-wide-dense-8192"].convolutions}
    assert filters == {"conv1": 96, "conv2": 256, "conv3": 512, "conv4": 1024, "conv5": 512}
    assert ARCHITECTURES["zfnet-wide-dense-8192"].dense == (("fc6", 8192), ("fc7", 8192))


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no architecture 'resnet'.*zfnet-small"):
        find_architecture("resnet")
