import h5py
import numpy as np
import pytest

from zfnet.components.inputs.imgclsmob_weights import set_imgclsmob_weights
from zfnet.model import ARCHITECTURES, Deconvnet, build
from zfnet.model.net.variation import vary

SIZE, POSITIONS, CLASSES = (96, 128), 2 * 3, 7
ROW = ARCHITECTURES["imgclsmob-zfnet"].with_filters(conv1=6, conv2=8, conv3=7, conv4=9, conv5=5).with_units(11)


def unpool(signal, windows):
    """Puts each value to the place of its window's maximum."""
    found = np.zeros((*signal.shape[:2], *(2 * side + 1 for side in signal.shape[2:])))
    for place in np.ndindex(signal.shape):
        row, column = np.unravel_index(windows[place].argmax(), (3, 3))
        found[(*place[:2], 2 * place[2] + row, 2 * place[3] + column)] += signal[place]
    return found[:, :, :-1, :-1]  # The maps have even sides: the last windows leave them by one place.


def transposed(signal, kernel, stride, padding, size):
    """The transpose of `convolve`, for inputs of `size`."""
    signal = np.maximum(signal, 0)
    found = np.zeros((len(signal), kernel.shape[1], size[0] + 2 * padding, size[1] + 2 * padding))
    rows, columns = signal.shape[2:]
    for row, column in np.ndindex(kernel.shape[2:]):
        window = np.s_[:, :, row : row + stride * rows : stride, column : column + stride * columns : stride]
        found[window] += np.einsum("nohw,oc->nchw", signal, kernel[:, :, row, column])
    return found[:, :, padding : padding + size[0], padding : padding + size[1]]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(6).normal(size=(2, *SIZE, 3)).astype("float32")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("imgclsmob") / "weights.h5"


@pytest.fixture(scope="module")
def weights(path, write_imgclsmob_weights):
    return write_imgclsmob_weights(path, ROW, POSITIONS, CLASSES)


@pytest.fixture(scope="module")
def values(weights, images, imgclsmob_in_numpy):
    return imgclsmob_in_numpy.forward(images, weights)


def converted(path, row=ROW):
    model = build(row, (*SIZE, 3), CLASSES, classifier_activation=None)
    set_imgclsmob_weights(model, path)
    return model


def test_equals_a_forward_pass_in_numpy(path, values, images):
    layers = [name for name in values if not name.startswith("fc")]
    recording = Deconvnet(converted(path)).record(images, layers)
    for layer in layers:
        theirs = values[layer].transpose(0, 2, 3, 1)
        np.testing.assert_allclose(recording.activations(layer), theirs, rtol=0, atol=2e-6 * np.abs(theirs).max(), err_msg=layer)
    np.testing.assert_allclose(converted(path)(images), values["fc8"], rtol=0, atol=1e-5 * np.abs(values["fc8"]).max())


@pytest.mark.parametrize(
    "change", ["contrast_alpha=1e-4", "conv1.normalize=after", "conv2.normalize=after", "conv2.padding=2", "conv1.pool=valid"]
)
def test_any_other_net_computes_something_else(path, values, images, change):
    other = converted(path, vary(ROW, change))
    assert np.abs(other(images) - values["fc8"]).max() > 0.01 * np.abs(values["fc8"]).max()


def test_projection_equals_one_in_numpy(path, weights, values, images, imgclsmob_in_numpy):
    unit, windows = 3, imgclsmob_in_numpy.pool_windows
    maps = values["conv3"][:, unit]
    signal = np.zeros_like(values["conv3"])
    for image, each in enumerate(maps):
        place = np.unravel_index(each.argmax(), each.shape)
        signal[(image, unit, *place)] = each[place]
    kernels = [kernel.astype(float) for kernel, _ in weights]
    signal = unpool(transposed(signal, kernels[2], 1, 1, values["pool2"].shape[2:]), windows(values["norm2"]))
    signal = unpool(transposed(signal, kernels[1], 2, 0, values["pool1"].shape[2:]), windows(values["norm1"]))
    expected = transposed(signal, kernels[0], 2, 1, SIZE).transpose(0, 2, 3, 1)
    found = Deconvnet(converted(path)).record(images, ["conv3"]).project("conv3", unit)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert (np.abs(expected).max((1, 2, 3)) > 0).all()


DAMAGE = {
    "no list": (lambda file: file.attrs.__delitem__("layer_names"), "can't be read as weights of imgclsmob: .*layer_names"),
    "no layer": (lambda file: file.__delitem__("output/fc3"), "can't be read as weights of imgclsmob: .*fc3"),
    "one layer less": (
        lambda file: file.attrs.__setitem__("layer_names", file.attrs["layer_names"][:-2]),
        "has weights of 7 layers; expected 8, those of custom",
    ),
    "huge": (lambda file: file.create_dataset("huge", (1 << 20, 1 << 20), "float16", chunks=(64, 64)), "are not opened"),
    "link": (lambda file: file.__setitem__("link", h5py.ExternalLink("other.h5", "kernel")), "in another file, other.h5, which is not"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_refused(tmp_path, path, weights, damage):
    change, message = DAMAGE[damage]
    (tmp_path / "weights.h5").write_bytes(path.read_bytes())
    with h5py.File(tmp_path / "weights.h5", "r+") as file:
        change(file)
    with pytest.raises(ValueError, match=f"weights.h5 .*{message}"):
        converted(tmp_path / "weights.h5")


def test_weights_of_a_wider_net_say_which_layer_differs(path, weights):
    message = r"has arrays of \[\(7, 8, 3, 3\), \(7,\)\]; expected \[\(16, 8, 3, 3\), \(16,\)\], the weights of conv3 in custom"
    with pytest.raises(ValueError, match=message):
        converted(path, ROW.with_filters(conv3=16))
