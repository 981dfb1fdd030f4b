import re
import zipfile

import h5py
import keras
import numpy as np
import pytest

from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.inputs.weights_size import SMALL


def small_model():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no model file .*none\.keras; expected a \.keras or \.h5 file"):
        load_model_file(tmp_path / "none.keras")


def test_other_file_is_refused(tmp_path):
    (tmp_path / "text.keras").write_text("not a model")
    with pytest.raises(ValueError, match="is not a Keras model file"):
        load_model_file(tmp_path / "text.keras")


def test_code_inside_a_file_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda inputs: inputs * 2)])
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(ValueError, match=r"lambda\.keras can't be loaded as a Keras model: it has a Lambda layer"):
        load_model_file(tmp_path / "lambda.keras")


def test_class_of_somebody_elses_program_is_named(tmp_path):
    class Twice(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2

    keras.Sequential([keras.Input((2,)), Twice()]).save(tmp_path / "custom.keras")
    with pytest.raises(ValueError, match="it needs the class 'Twice', which neither Keras nor zfnet has"):
        load_model_file(tmp_path / "custom.keras")


def test_damaged_file_is_named(tmp_path):
    path = tmp_path / "damaged.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save(path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        start = file.getinfo("config.json").header_offset + 100
    content[start : start + 20] = b"?" * 20
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged\.keras can't be loaded as a Keras model: Bad CRC-32"):
        load_model_file(path)


def test_size_is_that_of_what_is_packed(tmp_path):
    path = tmp_path / "zeros.keras"
    small_model().save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("more", bytes(SMALL))
    assert path.stat().st_size < 1 << 18
    with pytest.raises(ValueError, match=r"zeros\.keras has \d+ bytes and holds \d{8}"):
        load_model_file(path)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_arrays_that_unpack_to_gigabytes(tmp_path, ending):
    path, weights = tmp_path / f"zeros{ending}", tmp_path / "model.weights.h5"
    small_model().save(path)
    if ending == ".keras":
        with zipfile.ZipFile(path) as file:
            config = file.read("config.json")
        with zipfile.ZipFile(path, "w") as file, h5py.File(weights, "w") as arrays:
            arrays.create_dataset("layers/dense/vars/0", (1 << 15, 1 << 15), "float32", chunks=True, compression="gzip")
            arrays.close()
            file.write(weights, "model.weights.h5")
            file.writestr("config.json", config)
    else:
        with h5py.File(path, "a") as arrays:
            arrays.create_dataset("model_weights/more", (1 << 15, 1 << 15), "float32", chunks=True, compression="gzip")
    with pytest.raises(ValueError, match=r"zeros\.\w+ has \d+ bytes and holds 4\d{9}\."):
        load_model_file(path)


@pytest.mark.parametrize("name", ["net.h5", "net.hdf5", "net.keras", "net"])
@pytest.mark.parametrize("written", [".h5", ".keras"])
def test_contents_decide_not_the_name(tmp_path, written, name):
    net, pixels = small_model(), np.float32([[1, 2]])
    net.save(tmp_path / f"written{written}")
    (tmp_path / f"written{written}").rename(tmp_path / name)
    np.testing.assert_array_equal(load_model_file(tmp_path / name)(pixels), net(pixels))


def test_code_inside_an_hdf5_file_is_not_run(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda inputs: inputs * 2)]).save(tmp_path / "lambda.h5")
    with pytest.raises(ValueError, match=r"lambda\.h5 can't be loaded as a Keras model: it has a Lambda layer"):
        load_model_file(tmp_path / "lambda.h5")


def test_arrays_in_other_files_are_not_read(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(24))
    small_model().save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "a") as file:
        file.create_dataset("model_weights/more", (6,), "float32", external=[(str(tmp_path / "secret"), 0, 24)])
    with pytest.raises(ValueError, match=r"net\.h5 can't be loaded as a Keras model: the array model_weights/more is in another file"):
        load_model_file(tmp_path / "net.h5")


def test_weights_alone(tmp_path):
    small_model().save_weights(tmp_path / "net.weights.h5")
    with pytest.raises(ValueError, match=r"holds weights without a model\. Build the model in Python, then model\.load_weights"):
        load_model_file(tmp_path / "net.weights.h5")


def test_archives_of_others(tmp_path):
    for name, expected in (("net.pt", "is a model of PyTorch"), ("net.zip", "is not a Keras model file")):
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            file.writestr("archive/data.pkl", b"")
        with pytest.raises(ValueError, match=expected):
            load_model_file(tmp_path / name)


@pytest.mark.parametrize("place", ["in the middle", "in the directory", "in a header"])
def test_damaged_archives_are_told(tmp_path, place):
    path = tmp_path / "net.keras"
    small_model().save(path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        weights = file.getinfo("model.weights.h5")
    if place == "in the directory":  # The number of the compression, of all members.
        for entry in re.finditer(b"PK\x01\x02", bytes(content)):
            content[entry.start() + 10] = 0xFF
    else:
        damaged = weights.header_offset + (weights.file_size // 2 if place == "in the middle" else 0)
        content[damaged : damaged + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"net\.keras can't be loaded as a Keras model"):
        load_model_file(path)
