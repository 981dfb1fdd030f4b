import io
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zfnet.components.artifacts import Model
from zfnet.components.data.training_batches import training_batches
from zfnet.components.trainer import train
from zfnet.components.training import fit
from zfnet.model.measures.filters import structured_share


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
        "augmentation": "strong",
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
        ["learning_rate", "loss", "structured", "top1_error", "top5_error", "val_loss", "val_top1_error", "val_top5_error"]
    ] * 3
    convergence = model.read_json("convergence.json")
    layers = [*(f"conv{number}" for number in range(1, 6)), "fc6", "fc7", "predictions"]
    assert sorted(convergence["weight_change"]) == layers
    assert sorted(convergence["weight_change"]["conv1"]) == ["1", "2", "3"]
    assert sorted(convergence["strongest_changed"]["conv1"]) == ["2", "3"]
    pictures = {path.name for path in (model.path / "pictures").iterdir()}
    assert pictures == {"evolution.json", "filters_conv1.png", *(f"evolution_conv{number}.png" for number in range(1, 6))}


def test_the_history_says_how_many_filters_have_structure(model):
    net = keras.saving.load_model(model.path / "model.keras", compile=False)
    assert model.read_json("history.json")[-1]["structured"] == structured_share(net)


def test_trains_a_variation(examples, statistics, tmp_path):
    name = "zfnet-small:without=conv1,without=fc6,conv2.filters=10,conv2.kernel=9,conv4.filters=16,fc7.units=12"
    made = run(examples, statistics, tmp_path, epochs=1, architecture=name)
    net = keras.saving.load_model(made.path / "model.keras", compile=False)
    assert [layer.name for layer in net.layers if layer.weights] == ["mean_image", "conv2", "conv3", "conv4", "conv5", "fc7", "predictions"]
    assert net.get_layer("conv2").kernel.shape == (9, 9, 3, 10)
    assert made.read_json("recipe.json")["architecture"] == name
    # The filters over RGB, whichever layer has them.
    assert (made.path / "pictures" / "filters_conv2.png").exists()


def test_learns_to_tell_colours_apart(examples, statistics, tmp_path):
    # In their own colours: strong augmentation turns four fifths of the images grey, which then are all alike.
    history = run(examples, statistics, tmp_path, augmentation="paper").read_json("history.json")
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    assert history[-1]["val_top1_error"] <= 0.34


def test_crops_that_the_device_centres_train_to_the_same_bits(examples, statistics, tmp_path, monkeypatch):
    dtypes = []

    def recorded(*arguments, **options):
        batches = training_batches(*arguments, **options)
        dtypes.append(tf.nest.flatten(batches.element_spec)[0].dtype)
        return batches

    monkeypatch.setattr(fit, "training_batches", recorded)
    nets = []
    for name in ("device", "input"):
        (tmp_path / name).mkdir()
        made = run(examples, statistics, tmp_path / name, epochs=2, augmentation="paper")
        nets.append(keras.saving.load_model(made.path / "model.keras", compile=False))
        monkeypatch.setattr(fit, "centring", lambda mean, size: None)
    assert dtypes == [tf.uint8, tf.float32]
    for one, other in zip(*(net.weights for net in nets), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_filters_are_held_at_the_radius(examples, statistics, tmp_path):
    # A small radius, which a high learning rate drives them to.
    made = run(examples, statistics, tmp_path, epochs=2, learning_rate=0.04, architecture="zfnet-small:rms_radius=0.0005")
    convolution = keras.saving.load_model(made.path / "model.keras", compile=False).get_layer("conv1")
    rms = np.sqrt(np.mean(np.square(convolution.kernel.numpy()), axis=(0, 1, 2)))
    assert rms.max() == pytest.approx(0.0005, rel=1e-4)


def test_more_epochs_go_on_as_if_never_stopped_to_the_same_bits(model, examples, statistics, tmp_path):
    run(examples, statistics, tmp_path, epochs=2)
    resumed = run(examples, statistics, tmp_path, epochs=3)
    nets = [keras.saving.load_model(made.path / "model.keras", compile=False) for made in (resumed, model)]
    for one, other in zip(*(net.weights for net in nets), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert resumed.read_json("history.json") == model.read_json("history.json")


def test_a_training_that_is_done_is_only_saved_again(training, examples, statistics, tmp_path):
    shutil.copytree(training / "checkpoints", tmp_path / "checkpoints")
    again = run(examples, statistics, tmp_path, epochs=3)
    assert again.read_json("history.json") == Model(training / "model").read_json("history.json")
    assert (again.path / "pictures" / "evolution_conv5.png").read_bytes() == (
        training / "model" / "pictures" / "evolution_conv5.png"
    ).read_bytes()


def test_fewer_epochs_leave_what_more_epochs_reached(training, examples, statistics, tmp_path):
    shutil.copytree(training / "checkpoints", tmp_path / "checkpoints")
    run(examples, statistics, tmp_path, epochs=1)
    assert sorted(path.name for path in (tmp_path / "checkpoints").glob("epoch-*")) == ["epoch-0001", "epoch-0002", "epoch-0003"]


def test_evolution_of_epochs_that_were_not_looked_at_is_left_out(training, examples, statistics, tmp_path):
    shutil.copytree(training / "checkpoints", tmp_path / "checkpoints")
    (tmp_path / "checkpoints" / "evolution" / "epoch-0002.npz").unlink()
    made = run(examples, statistics, tmp_path, epochs=3)
    files = [folder / "pictures" / "evolution_conv5.png" for folder in (made.path, training / "model")]
    narrower, whole = (np.asarray(Image.open(io.BytesIO(file.read_bytes()))).shape[1] for file in files)
    assert narrower < whole


def test_divergence_is_named_and_no_model_is_written(examples, statistics, tmp_path):
    with pytest.raises(
        ValueError, match=r"The training diverged at step 1 \(epoch 1, step 1 of 8\).*its batch: .*\.png.*no checkpoint before it"
    ):
        run(examples, statistics, tmp_path, epochs=2, learning_rate=1e30)
    assert not (tmp_path / "model-2" / "model.keras").exists()


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
