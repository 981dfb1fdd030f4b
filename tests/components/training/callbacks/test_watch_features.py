import collections
import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.python.framework import config

import zfnet
from zfnet.components.training.callbacks.evolution import FeatureEvolution
from zfnet.components.training.callbacks.look_budget import LookBudget
from zfnet.model.measures.filters import aliased_energy

SIDE, CLASSES = 24, 3
layers = keras.layers
random = np.random.default_rng(0)
LABELS = random.integers(0, CLASSES, 48)
IMAGES = (random.uniform(0, 0.4, (48, SIDE, SIDE, 3)) + 0.6 * np.eye(3)[LABELS][:, None, None]).astype(np.float32)


def data():
    """Shuffled anew in every epoch."""
    return tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).shuffle(48).batch(16)


def net(model_class=keras.Model, **options):
    keras.utils.set_random_seed(1)
    images = keras.Input((SIDE, SIDE, 3))
    maps = layers.Conv2D(4, 7, 2, activation="relu", name="low")(images)
    maps = layers.ReLU(name="middle")(layers.BatchNormalization(momentum=0.5)(layers.Conv2D(6, 3, name="inner")(maps)))
    maps = layers.Dropout(0.3)(layers.MaxPooling2D(2)(maps))
    made = model_class(images, layers.Dense(CLASSES, dtype="float32")(layers.Flatten()(maps)))
    made.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True), **options)
    return made


def nested(**options):
    keras.utils.set_random_seed(1)
    body = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(4, 7, 2, activation="relu", name="low"),
            layers.Conv2D(6, 3, activation="relu", name="middle"),
        ]
    )
    images = keras.Input((SIDE, SIDE, 3))
    made = keras.Model(images, layers.Dense(CLASSES)(layers.Flatten()(layers.Dropout(0.3)(body(layers.Rescaling(2.0)(images))))))
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), **options)
    return made


class OwnStep(keras.Model):
    """A model with a `train_step` of its own."""

    def train_step(self, given):
        images, labels = given
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=labels, y_pred=self(images, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"own_loss": loss}


def numbers_of(model):
    return [np.asarray(variable) for variable in [*model.variables, *model.optimizer.variables]]


def assert_same_bits(model, other):
    for one, another in zip(numbers_of(model), numbers_of(other), strict=True):
        np.testing.assert_array_equal(one, another)


def shown(folder):
    """Values in TensorBoard's files, by tag and step; no step was written twice."""
    found = collections.defaultdict(dict)
    for file in folder.glob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                assert event.step not in found[value.tag]
                found[value.tag][event.step] = tf.make_ndarray(value.tensor)
    return found


def columns(folder):
    return json.loads((folder / "evolution.json").read_text())["columns"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model that was trained for two epochs, watched on the data set that it was trained on, and the same without being watched."""
    folder, model, alone, dataset, other = tmp_path_factory.mktemp("log"), net(), net(), data(), data()
    # Shuffles of a data set depend on how many others there were.
    keras.utils.set_random_seed(2)
    dataset = data()
    watch = zfnet.WatchFeatures(dataset, folder, maps=2, epochs=range(1, 7))
    model.fit(dataset, shuffle=False, epochs=2, verbose=0, callbacks=[watch])
    keras.utils.set_random_seed(2)
    other = data()
    alone.fit(other, shuffle=False, epochs=2, verbose=0)
    return folder, watch, (model, dataset), (alone, other)


def test_weights_and_random_numbers_are_left_alone(trained):
    _, _, (model, dataset), (alone, other) = trained
    assert_same_bits(model, alone)
    for (images, _), (others, _) in zip(dataset, other, strict=True):
        np.testing.assert_array_equal(images, others)


def test_tensorboard_shows_what_a_run_shows(trained):
    folder, _, (model, _), _ = trained
    found = shown(folder)
    expected = {f"evolution/{layer}" for layer in ("low", "middle")} | {f"evolution_sheet/{layer}" for layer in ("low", "middle")}
    expected |= {"filters/low", "epoch/aliased", "epoch/dead", "epoch/structured"}
    expected |= {f"strongest_changed/{layer}" for layer in ("low", "middle")}
    expected |= {f"weight_change/{layer}" for layer in ("low", "inner", model.layers[-1].name)}
    assert set(found) == expected
    assert sorted(found["evolution/low"]) == [0, 1, 2]
    assert sorted(found["epoch/dead"]) == sorted(found["filters/low"]) == [1, 2]
    assert list(found["evolution_sheet/middle"]) == list(found["strongest_changed/low"]) == [2]
    kernel = model.get_layer("low").kernel.numpy()
    assert found["epoch/aliased"][2] == pytest.approx(np.median(aliased_energy(kernel, (2, 2))))


def test_the_sheet_shows_the_strongest_activations_of_the_images(trained):
    folder, watch, (model, _), _ = trained
    assert columns(folder) == ["untrained", "epoch 1", "epoch 2"]
    numbers = json.loads((folder / "evolution.json").read_text())["layers"]
    assert sorted(path.name for path in folder.glob("*.png")) == ["evolution_low.png", "evolution_middle.png"]
    for layer in ("low", "middle"):
        activations = keras.Model(model.inputs[0], model.get_layer(layer).output)(IMAGES, training=False).numpy()
        assert len(numbers[layer]["maps"]) == 2
        for unit, moments in numbers[layer]["maps"].items():
            assert moments[-1]["activation"] == pytest.approx(activations[..., int(unit)].max(), rel=1e-4)
            assert moments[-1]["last_place"]["activation"] == pytest.approx(moments[-1]["activation"], rel=1e-4)
    assert watch.figure().numbers["layers"] == numbers
    assert np.asarray(Image.open(folder / "evolution_low.png")).shape == watch.figure().pictures["evolution_low"].shape


def test_another_fit_goes_on_counting(trained):
    folder, watch, (model, dataset), (alone, other) = trained
    model.fit(dataset, shuffle=False, epochs=2, verbose=0, callbacks=[watch])
    alone.fit(other, shuffle=False, epochs=2, verbose=0)
    assert columns(folder) == ["untrained", *(f"epoch {number}" for number in range(1, 5))]
    # Another callback, as in a notebook whose cell runs again; and the next epochs by their own numbers.
    again = zfnet.WatchFeatures(dataset, folder, maps=2, epochs=range(1, 7))
    model.fit(dataset, shuffle=False, epochs=1, verbose=0, callbacks=[again])
    alone.fit(other, shuffle=False, epochs=1, verbose=0)
    model.fit(dataset, shuffle=False, initial_epoch=5, epochs=6, verbose=0, callbacks=[again])
    alone.fit(other, shuffle=False, initial_epoch=5, epochs=6, verbose=0)
    assert columns(folder) == ["untrained", *(f"epoch {number}" for number in range(1, 7))]
    found = shown(folder)
    assert sorted(found["evolution/low"]) == list(range(7))
    assert sorted(found["weight_change/inner"]) == sorted(found["filters/low"]) == list(range(1, 7))
    assert min(found["weight_change/inner"].values()) > 0
    assert_same_bits(model, alone)
    with pytest.raises(ValueError, match="holds the features of another training, of 6 epochs"):
        net().fit(dataset, shuffle=False, verbose=0, callbacks=[zfnet.WatchFeatures(dataset, folder)])


@pytest.fixture
def xla():
    """Keras compiles no model while TensorFlow is deterministic, as a training before in this process may have left it."""
    was_on = config.is_op_determinism_enabled()
    config.disable_op_determinism()
    yield
    if was_on:
        config.enable_op_determinism()


@pytest.mark.usefixtures("xla")
@pytest.mark.parametrize(
    ("make", "options", "named"),
    [
        (lambda: net(jit_compile=True), {}, None),
        (lambda: nested(jit_compile=False), {}, None),
        (lambda: net(OwnStep), {"initial_epoch": 5, "epochs": 7}, ["middle"]),
    ],
    ids=["XLA", "nested models", "own step"],
)
def test_any_model_keeps_its_bits(make, options, named, tmp_path):
    models = []
    for watched in (True, False):
        model = make()
        watch = zfnet.WatchFeatures(IMAGES[:20], tmp_path, named, maps=2, epochs=range(1, 9))
        model.fit(IMAGES, LABELS, batch_size=16, verbose=0, callbacks=[watch] if watched else [], **({"epochs": 2} | options))
        models.append(model)
    assert_same_bits(*models)
    first = options.get("initial_epoch", 0)
    assert columns(tmp_path) == ["untrained" if not first else f"epoch {first}", f"epoch {first + 1}", f"epoch {first + 2}"]
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [f"evolution_{layer}.png" for layer in named or ("low", "middle")]


def test_mixed_precision(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        models = [net(), net()]
    finally:
        keras.config.set_dtype_policy("float32")
    watch = zfnet.WatchFeatures((IMAGES[:20] * 255).astype(np.uint8), tmp_path, maps=2, epochs=[1])
    for model, callbacks in zip(models, ([watch], []), strict=True):
        keras.utils.set_random_seed(3)
        model.fit(IMAGES, LABELS, batch_size=16, verbose=0, callbacks=callbacks)
    assert_same_bits(*models)
    assert columns(tmp_path) == ["untrained", "epoch 1"]


REPLICAS = """
import sys, tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.experimental.enable_op_determinism()
sys.path.insert(0, sys.argv[1])
import numpy as np, zfnet
from test_watch_features import IMAGES, LABELS, assert_same_bits, columns, net
import pathlib
models = []
for watched in (True, False):
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    options = {"batch_size": 16, "verbose": 0, "callbacks": []}
    with strategy.scope():
        model = net(jit_compile=False)
        if watched:
            options["callbacks"] = [zfnet.WatchFeatures(IMAGES[:20], sys.argv[2], maps=2, epochs=[1, 2, 3])]
        model.fit(IMAGES, LABELS, epochs=2, **options)
    model.fit(IMAGES, LABELS, **options)  # People train outside of the scope too.
    assert model.distribute_strategy.num_replicas_in_sync == 2
    models.append(model)
assert_same_bits(*models)
assert columns(pathlib.Path(sys.argv[2])) == ["untrained", "epoch 1", "epoch 2", "epoch 3"], columns(pathlib.Path(sys.argv[2]))
"""


def test_replicas(tmp_path, request, forked):
    command = [sys.executable, "-W", "ignore", "-c", REPLICAS, str(request.path.parent), str(tmp_path)]
    done = subprocess.run(forked(command), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


class Kill(keras.callbacks.Callback):
    """Kills the training in the middle of its third epoch."""

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.optimizer.iterations == 7:
            raise InterruptedError


def test_a_killed_training_goes_on_with_a_whole_sheet(tmp_path):
    def fit(folder, *others):
        model, backup = net(), keras.callbacks.BackupAndRestore(tmp_path / "backup")
        watch = zfnet.WatchFeatures(data(), folder, maps=2, epochs=range(1, 5))
        model.fit(IMAGES, LABELS, batch_size=16, epochs=4, verbose=0, shuffle=False, callbacks=[backup, watch, *others])

    with pytest.raises(InterruptedError):
        fit(tmp_path / "killed", Kill())
    assert not list((tmp_path / "killed").glob("*.png"))
    fit(tmp_path / "killed")
    assert columns(tmp_path / "killed") == ["untrained", *(f"epoch {number}" for number in range(1, 5))]
    found = shown(tmp_path / "killed")
    assert sorted(found["evolution/low"]) == list(range(5))
    assert sorted(found["weight_change/low"]) == [1, 2, 3, 4]
    # The images are those of before, though they are shuffled.
    assert len(found["strongest_changed/low"]) == 3


def test_a_training_that_is_stopped_is_shown_to_its_end(tmp_path):
    stop = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=1e9, restore_best_weights=True)
    watch = zfnet.WatchFeatures(IMAGES[:20], tmp_path, maps=2)
    model = net()
    model.fit(IMAGES, LABELS, batch_size=16, epochs=50, verbose=0, callbacks=[watch, stop])
    assert columns(tmp_path)[0] == "untrained"
    assert columns(tmp_path)[-1] == "epoch 2"
    for one, best in zip(model.get_weights(), stop.best_weights, strict=True):
        np.testing.assert_array_equal(one, best)


def test_weights_that_are_no_numbers_do_not_end_a_training(tmp_path):
    model = net()
    model.optimizer.learning_rate = np.nan
    with pytest.warns(UserWarning, match="The features after epoch 1 are not shown. Layer 'low' has weights that are not finite"):
        model.fit(IMAGES, LABELS, epochs=2, verbose=0, callbacks=[zfnet.WatchFeatures(IMAGES[:9], tmp_path, maps=2)])
    assert columns(tmp_path) == ["untrained"]


def test_layers_get_rules_as_in_a_deconvnet(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(4, 3, activation="gelu", name="low"),
            layers.SeparableConv2D(4, 3, activation="silu", name="high"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(CLASSES),
        ]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rules = {keras.activations.silu: "fixed-gate"}
    watch = zfnet.WatchFeatures(IMAGES, tmp_path, epochs=[1], unsupported="literature", rules=rules, share=None)
    model.fit(IMAGES, LABELS, verbose=0, callbacks=[watch])
    assert list(watch.figure().pictures) == ["evolution_low", "evolution_high"]
    watch = zfnet.WatchFeatures(IMAGES, tmp_path / "2", rules={keras.activations.elu: "as-relu"})
    with pytest.raises(ValueError, match="rules has a rule for elu"):
        model.fit(IMAGES, LABELS, verbose=0, callbacks=[watch])


def test_the_first_and_the_last_look_search_all_images(tmp_path, monkeypatch):
    searched, search = [], FeatureEvolution.search
    monkeypatch.setattr(FeatureEvolution, "search", lambda self, images, others: searched.append(images) or search(self, images, others))
    monkeypatch.setattr(LookBudget, "affords", lambda self: True)
    images, labels = np.repeat(IMAGES, 2, axis=0), np.repeat(LABELS, 2)
    net().fit(images, labels, epochs=3, verbose=0, callbacks=[zfnet.WatchFeatures(images, tmp_path, maps=2, share=1e-9)])
    assert searched == [64, 96, 64, 64, 96]  # The first one compiles.


def test_a_loop_that_calls_callbacks_itself(tmp_path):
    model, watch = net(), zfnet.WatchFeatures(IMAGES[:20], tmp_path, maps=2)
    callbacks = keras.callbacks.CallbackList([watch], model=model)
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        model.train_on_batch(IMAGES, LABELS)
        callbacks.on_epoch_end(epoch)
    callbacks.on_train_end()
    assert columns(tmp_path)[0] == "untrained"
    assert columns(tmp_path)[-1] == "epoch 2"
    assert sorted(shown(tmp_path)["weight_change/low"]) == [1, 2]


class OwnCall(keras.Model):
    """A model that its layers do not describe."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(CLASSES)

    def call(self, images):
        return self.dense(tf.reduce_mean(images, (1, 2)))


@pytest.mark.parametrize(
    ("model", "images", "options", "message"),
    [
        (OwnCall, IMAGES, {}, "is not built, or is a subclass without a graph of layers"),
        (net, IMAGES[:, 1:], {}, r"The images have the shape \(23, 24, 3\); the model '.*' takes \(24, 24, 3\)"),
        (net, IMAGES, {"layers": ["loww"]}, "has no layer 'loww' to look at. Did you mean low?"),
        (
            lambda: keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(3, 3, activation="gelu", name="conv"), layers.Flatten()]),
            IMAGES,
            {},
            "Layer 'conv' of the model '.*' can't be projected from: no deconvnet is defined for layer 'conv'",
        ),
        (
            lambda: keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Flatten(), layers.Dense(3)]),
            IMAGES,
            {},
            "has no Conv2D or Separ",
        ),
        (lambda: keras.Sequential([keras.Input((30, 2)), layers.Conv1D(3, 3)]), IMAGES, {}, r"takes \(None, 30, 2\); WatchFeatures is for"),
    ],
    ids=["own call", "shape", "no layer", "no deconvnet", "no convolution", "signals"],
)
def test_a_model_that_can_not_be_watched_is_an_error_at_the_start(model, images, options, message, tmp_path):
    steps = []
    counting = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: steps.append(batch))
    made = model()
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match=message):
        made.fit(IMAGES, LABELS, verbose=0, callbacks=[zfnet.WatchFeatures(images, tmp_path, **options), counting])
    assert steps == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": iter([IMAGES])}, "which can be read only once"),
        ({"layers": "low"}, r"layers is 'low'; expected a list of names"),
        ({"layers": []}, r"layers is \[\]; expected a list of names"),
        ({"epochs": 10}, r"epochs is 10; expected numbers of epochs, such as range\(1, 11\)"),
        ({"epochs": [-1]}, r"epochs is \[-1\]"),
        ({"epochs": [1.5]}, r"epochs is \[1.5\]"),
        ({"maps": 0}, "maps is 0; expected 1 at least"),
        ({"log_dir": "gs://bucket/log"}, "expected a directory on a local disk"),
    ],
)
def test_wrong_arguments_are_refused_when_it_is_made(options, message):
    with pytest.raises(ValueError, match=message):
        zfnet.WatchFeatures(**({"images": IMAGES, "log_dir": "log"} | options))


def test_a_training_resumed_in_its_first_epoch_forgets_what_it_measured_after(tmp_path):
    net().fit(data(), shuffle=False, epochs=1, verbose=0, callbacks=[zfnet.WatchFeatures(IMAGES, tmp_path)])
    (tmp_path / "watched" / "convergence" / "kernels-0001.npz").unlink()  # It is written when the next epoch begins.
    watch = zfnet.WatchFeatures(IMAGES, tmp_path, resumed=0)
    net().fit(data(), shuffle=False, epochs=2, verbose=0, callbacks=[watch])
    assert watch.figure().numbers["columns"] == ["untrained", "epoch 1", "epoch 2"]


def test_a_figure_without_a_training(tmp_path):
    with pytest.raises(ValueError, match="no model to draw features of"):
        zfnet.WatchFeatures(IMAGES, tmp_path).figure()
    net().fit(data(), shuffle=False, epochs=2, verbose=0, callbacks=[zfnet.WatchFeatures(IMAGES, tmp_path)])
    later = zfnet.WatchFeatures(IMAGES, tmp_path)
    later.set_model(net())
    assert later.figure().numbers["columns"] == ["untrained", "epoch 1", "epoch 2"]
    with pytest.raises(ValueError, match=r"after any of the epochs \[8, 9\]"):
        later.figure([9, 8])


def test_a_disk_that_fails_does_not_end_a_training(tmp_path):
    def break_disk(epoch, logs):
        for folder in (tmp_path / "watched").glob("*/"):
            shutil.rmtree(folder)
            folder.write_text("no directory")

    failing = keras.callbacks.LambdaCallback(on_epoch_end=break_disk)
    with pytest.warns(UserWarning, match="The features after epoch 1 are not shown"):
        history = net().fit(data(), shuffle=False, epochs=3, verbose=0, callbacks=[failing, zfnet.WatchFeatures(IMAGES, tmp_path)])
    assert len(history.history["loss"]) == 3
