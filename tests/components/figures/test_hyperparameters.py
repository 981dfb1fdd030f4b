from zfnet.components.figures.hyperparameters import hyperparameters


def test_of_a_row():
    assert hyperparameters("zfnet") == {
        "architecture": "zfnet",
        "variation": "",
        "without": "",
        "conv1.kernel": 7,
        "conv1.stride": 2,
        "conv1": 96,
        "conv2": 256,
        "conv3": 384,
        "conv4": 384,
        "conv5": 256,
        "fc6": 4096,
        "fc7": 4096,
    }


def test_what_is_left_out_by_a_row_or_a_variation():
    found = hyperparameters("alexnet-without-3-4:without=fc6,conv1.stride=3,fc7.units=7")
    assert (found["architecture"], found["variation"]) == ("alexnet-without-3-4", "without=fc6,conv1.stride=3,fc7.units=7")
    assert found["without"] == "conv3 conv4 fc6"
    assert [found[name] for name in ("conv1.kernel", "conv1.stride", "conv3", "fc6", "fc7")] == [11, 3, 0, 0, 7]


def test_without_the_first_layer():
    found = hyperparameters("zfnet:without=conv1")
    assert [found[name] for name in ("without", "conv1", "conv1.kernel", "conv1.stride")] == ["conv1", 0, 0, 0]
