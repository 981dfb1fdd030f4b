import keras
import numpy as np

from zfnet.components.figures.filters.second_layer import no_projection, second_layer
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.pictures.signed import signed_scale, signed_to_rgb
from zfnet.model import Deconvnet, receptive_field

layers = keras.layers


def batches_of(images):
    def batches(title, numbers=None):
        for start in range(0, len(images), 3):
            places = np.arange(start, min(start + 3, len(images)))
            wanted = np.array([numbers is None or place in numbers for place in places])
            yield images[places[wanted]], places[wanted]

    return batches


def test_each_picture_is_the_projection_of_the_strongest_activation(gratings_net):
    deconvnet = gratings_net()
    images = np.random.default_rng(0).uniform(0, 255, size=(8, 40, 56, 3)).astype("float32")
    found = second_layer(deconvnet, "conv2", batches_of(images), ImageInput.of(deconvnet.model), maps=7, seed=3)
    activations = deconvnet.activations(images, ["conv2"])[0].numpy()
    assert len(found.maps) == 7
    for place, number in enumerate(found.maps):
        strongest = np.unravel_index(activations[..., number].argmax(), activations.shape[:3])
        assert (found.examples[place], *found.positions[place]) == strongest
        image = images[found.examples[place]][None]
        (top, left), (height, width) = found.corners[place], found.pictures.shape[1:3]
        assert (height, width) == receptive_field(deconvnet, "conv2").size
        projection = deconvnet.project(image, "conv2", int(number), found.positions[place])[0][top : top + height, left : left + width]
        assert projection.shape[:2] == (height, width)
        np.testing.assert_allclose(found.scales[place], signed_scale(projection[None])[0], rtol=1e-3)
        np.testing.assert_allclose(found.pictures[place].astype(int), signed_to_rgb(projection[None])[0], atol=2)


def test_the_seed_decides_which_maps_and_dead_ones_are_passed_over(gratings_net):
    deconvnet = gratings_net()
    bias = np.full(12, 1e3)
    bias[[1, 4]] = -1e6
    deconvnet.model.get_layer("conv2").bias.assign(bias)
    batches, image_input = batches_of(np.full((2, 40, 56, 3), 90, "float32")), ImageInput.of(deconvnet.model)
    chosen = [second_layer(deconvnet, "conv2", batches, image_input, maps=6, seed=seed).maps.tolist() for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert second_layer(deconvnet, "conv2", batches, image_input, maps=99, seed=0).maps.tolist() == [0, 2, 3, 5, 6, 7, 8, 9, 10, 11]


def test_what_can_be_projected():
    net = keras.Sequential(
        [
            keras.Input((20, 20, 3)),
            layers.Conv2D(4, 3, name="a"),
            layers.Activation("gelu", name="gelu"),
            layers.Conv2D(4, 3, activation="relu", name="b"),
        ]
    )
    deconvnet = Deconvnet(net, "gradient")
    assert no_projection(deconvnet, "a") is None
    assert no_projection(deconvnet, "b") == "no deconvnet is defined for layer 'gelu' (Activation)"
