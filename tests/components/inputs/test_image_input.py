import keras
import numpy as np
import pytest

from zfnet.components.inputs.image_input import ImageInput, image_layout
from zfnet.components.inputs.preprocessing import with_preprocessing


def net(*shape):
    return keras.Sequential([keras.Input(shape), keras.layers.ReLU()])


@pytest.mark.parametrize(
    ("shape", "image_size", "expected"),
    [
        ((96, 80, 3), None, (96, 80, False)),
        ((96, 80, 3), 96, (96, 80, False)),
        ((3, 40, 56), None, (40, 56, True)),
        ((None, None, 3), None, (224, 224, False)),
        ((None, None, 3), 96, (96, 96, False)),
        ((3, None, None), 32, (32, 32, True)),
    ],
)
def test_size_and_layout(shape, image_size, expected):
    assert ImageInput.of(net(*shape), image_size) == expected


def test_other_size_than_the_models():
    with pytest.raises(ValueError, match="takes images of 96 x 80 pixels, not of 224"):
        ImageInput.of(net(96, 80, 3), 224)


def two_inputs():
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    return keras.Model(inputs, keras.layers.Add()(inputs))


@pytest.mark.parametrize("model", [net(28, 28, 5), net(10), two_inputs()])
def test_models_that_take_something_else(model):
    with pytest.raises(ValueError, match=r"takes .*; expected one input, images of three channels"):
        ImageInput.of(model)


def test_model_that_is_not_built():
    with pytest.raises(ValueError, match="is not built"):
        ImageInput.of(keras.Sequential([keras.layers.ReLU()]))


def test_centre_of_squares_and_back():
    squares = np.arange(2 * 9 * 9 * 3).reshape(2, 9, 9, 3)
    image_input = ImageInput(9, 6, True)
    pictures = image_input.crop(squares)
    np.testing.assert_array_equal(pictures, squares[:, :, 1:7])
    assert image_input.to_model_layout(pictures).shape == (2, 3, 9, 6)
    np.testing.assert_array_equal(image_input.pictures(image_input.to_model_layout(pictures)), pictures)


def test_one_channel_is_for_with_preprocessing():
    assert image_layout(net(28, 28, 1)) == (1, False)
    with pytest.raises(ValueError, match="takes images of one channel; expected three, see `with_preprocessing`"):
        ImageInput.of(net(28, 28, 1))


def test_a_size_that_an_open_model_cannot_take():
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.AveragePooling2D(230)])
    assert ImageInput.of(with_preprocessing(model, "tf"), 240) == (240, 240, False)
    for size in (None, 40):
        with pytest.raises(ValueError, match=f"can't take images of {size or 224} x {size or 224} pixels; give another size"):
            ImageInput.of(model, size)
