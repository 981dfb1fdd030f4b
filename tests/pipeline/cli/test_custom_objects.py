import sys

import keras
import numpy as np
import pytest

from zfnet.pipeline.cli.arguments import find_model
from zfnet.pipeline.cli.custom_objects import import_custom_objects

MODULE = """
import keras
import zfnet
class Twice(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs
@keras.saving.register_keras_serializable("mine")
class Thrice(keras.layers.Layer):
    def call(self, inputs):
        return 3 * inputs
def steep(values):
    return 4 * values
class Quarter(keras.layers.Layer):
    def call(self, inputs):
        return inputs / 4
@zfnet.register(Quarter, window="point")
def quarter_of_the_signal(layer, signal, inputs):
    return signal / 4
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A name of a module in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_layers.py").write_text(MODULE)
    yield "own_layers"
    sys.modules.pop("own_layers", None)


def test_layers_and_functions_of_the_working_directory(own):
    before = list(sys.path)
    found = import_custom_objects([f"{own}:Twice", f"{own}:steep"])
    assert found["Twice"]()(np.float32([3])) == 6
    assert found["steep"](5) == 20
    assert sys.path == before


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("name", ["Twice", "Thrice", "steep"])
def test_model_with_layers_of_ones_own(own, tmp_path, name, ending):
    found = import_custom_objects([f"{own}:{name}"])[name]
    layer = keras.layers.Dense(3, activation=found) if name == "steep" else found()
    net = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 3, name="c"), layer])
    path, images = tmp_path / f"net{ending}", np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)).astype("float32")
    net.save(path)
    keras.saving.get_custom_objects().pop("mine>Thrice")
    sys.modules.pop(own)
    with pytest.raises(ValueError, match=rf"which neither Keras nor zfnet has.*--custom-objects MODULE:{name}"):
        find_model(str(path)).open_model("raw")
    model, _ = find_model(str(path), (f"{own}:{name}",)).open_model("raw")
    np.testing.assert_allclose(model(images), net(images), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Twice", "expected MODULE:NAME"),
        (":Twice", "expected MODULE:NAME"),
        ("./own_layers.py:Twice", "expected MODULE:NAME, such as my_layers:Attention"),
        ("sys:Twice", "there is no Twice in sys"),
        (
            "no_such_module:Twice",
            "no_such_module can't be imported: No module named 'no_such_module'; expected an installed module, or a file in",
        ),
        ("own_layers:Fourfold", r"there is no Fourfold in .*own_layers\.py"),
    ],
)
def test_names_that_lead_nowhere(own, name, message):
    with pytest.raises(ValueError, match=message):
        import_custom_objects([name])


def test_rules_of_the_module_are_registered(own, tmp_path):
    quarter = import_custom_objects([f"{own}:Quarter"])["Quarter"]
    net = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 3, name="c"), quarter(name="quarter")])
    net.save(tmp_path / "net.keras")
    sys.modules.pop(own)
    found = find_model(str(tmp_path / "net.keras"), (f"{own}:Quarter",))
    deconvnet, _ = found.open_deconvnet("raw", "error")
    images = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)).astype("float32")
    expected = deconvnet.project(images, "c", 1) / 16
    np.testing.assert_allclose(deconvnet.project(images, "quarter", 1), expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())
