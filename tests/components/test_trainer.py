import keras
import numpy as np
import pytest

from zfnet.components.artifacts import Model
from zfnet.components.trainer import train
from zfnet.components.training.fit import Recipe
from zfnet.model import clip_filter_rms


def run(examples, statistics, root, **changes):
    made = Model(root / f"model-{changes.get('epochs', 3)}")
    made.path.mkdir()
    parameters = {
        "architecture": "zfnet-small",
        "epochs": 3,
        "batch_size": 8,
        "learning_rate": 0.01,
        "patience": 5,
        "seed": 0,
        "crops": "ten",
        "deterministic": True,
        "checkpoints": str(root / "checkpoints"),
        "tensorboard": str(root / "tensorboard"),
    }
    train(examples, statistics, made, **(parameters | changes))
    return made


def test_writes_a_model_that_takes_raw_pixels(model, examples, statistics):
    net = keras.saving.load_model(model.path / "model.keras", compile=False)
    np.testing.assert_array_equal(net.get_layer("mean_image").mean.numpy(), statistics.mean_image()[4:60, 4:60])
    assert (model.path / "labels.txt").read_text().splitlines() == examples.labels == ["blue", "green", "red"]
    assert [sorted(epoch) for epoch in model.read_json("history.json")] == [
        ["learning_rate", "loss", "top1_error", "top5_error", "val_loss", "val_top1_error", "val_top5_error"]
    ] * 3
    pictures = {path.name for path in (model.path / "pictures").iterdir()}
    assert pictures == {"filters_conv1.png", *(f"evolution_conv{number}.png" for number in range(1, 6))}


def test_learns_to_tell_colours_apart(model):
    history = model.read_json("history.json")
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    assert history[-1]["val_top1_error"] <= 0.34


def test_filters_keep_to_the_radius(model):
    net = keras.saving.load_model(model.path / "model.keras", compile=False)
    for name in ("conv1", "conv4"):
        kernel = net.get_layer(name).kernel
        np.testing.assert_allclose(clip_filter_rms(kernel, net.get_layer(name).kernel_constraint.radius), kernel, rtol=1e-5)


def test_more_epochs_go_on_as_if_never_stopped_to_the_same_bits(model, examples, statistics, tmp_path):
    run(examples, statistics, tmp_path, epochs=2)
    resumed = run(examples, statistics, tmp_path, epochs=3)
    nets = [keras.saving.load_model(made.path / "model.keras", compile=False) for made in (resumed, model)]
    for one, other in zip(*(net.weights for net in nets), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert resumed.read_json("history.json") == model.read_json("history.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "vgg"}, "no architecture 'vgg'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"crops": "all"}, "crops is 'all'; expected one of: ten, random"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_parameters_out_of_range_are_named(examples, statistics, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        run(examples, statistics, tmp_path, **change)


@pytest.mark.parametrize(
    ("examples", "epochs", "batch", "chosen"),
    [(4500, None, 64, 10), (40, None, 5, 60), (1_281_167, None, 64, 10), (4500, 7, 64, 7), (3, None, 1, 60)],
)
def test_open_choices_follow_from_the_number_of_examples(examples, epochs, batch, chosen):
    recipe = Recipe("zfnet-small", epochs, 64, 0.01, 5, 0, "ten", True)
    assert (recipe.batch_for(examples), recipe.epochs_for(examples)) == (batch, chosen)
