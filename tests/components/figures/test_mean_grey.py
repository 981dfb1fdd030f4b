import keras
import numpy as np

from zfnet.components.data.batches import central_crops
from zfnet.components.figures.mean_grey import mean_grey
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model import Deconvnet, build

layers = keras.layers


def test_of_a_net_that_subtracts_its_mean_image():
    mean = np.random.default_rng(0).uniform(0, 255, (56, 60, 3)).astype(np.float32)
    net = Deconvnet(build("zfnet-small", input_shape=(56, 60, 3), classes=3, mean_image=mean))
    found = mean_grey(net, ImageInput.of(net.model))
    np.testing.assert_array_equal(found.values, mean)
    assert found.source == "the mean image that the model subtracts"


def test_of_examples_before_anything_else(examples, search_of):
    images = np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=64)])[:, 8:48]
    for shape, pixel in (((40, 56, 3), (1, 1, 3)), ((3, 40, 56), (3, 1, 1))):
        layout = "channels_last" if shape[2] == 3 else "channels_first"
        net = Deconvnet(keras.Sequential([keras.Input(shape), layers.Conv2D(2, 3, data_format=layout)]))
        found = mean_grey(net, ImageInput.of(net.model), search_of(net).images)
        assert found.values.shape == pixel
        np.testing.assert_allclose(found.values.ravel(), images.mean(axis=(0, 1, 2)), rtol=1e-4)
        assert found.source == "the mean colour of DATA"


def test_of_nothing():
    net = Deconvnet(keras.Sequential([keras.Input((8, 9, 3)), layers.Conv2D(2, 3)]))
    found = mean_grey(net, ImageInput.of(net.model))
    assert found.values.ravel().tolist() == [128] * 3
    assert "no mean is known" in found.source
