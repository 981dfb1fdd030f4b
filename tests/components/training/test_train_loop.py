import os
import signal
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from zfnet.components.training.callbacks.schedule import PlateauSchedule
from zfnet.components.training.checkpoints import Checkpoints
from zfnet.components.training.train_loop import train_loop
from zfnet.components.training.train_step import make_train_step

EPOCHS, STEPS, BATCH = 6, 4, 8
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(EPOCHS, STEPS, BATCH, 5)).astype("float32")
LABELS = RNG.integers(3, size=(EPOCHS, STEPS, BATCH))


class Training:
    """A small training with everything that has a state: momentum, dropout, and a learning rate that falls."""

    def __init__(self, folder, epochs=EPOCHS):
        keras.utils.set_random_seed(1)
        layers = [keras.layers.Dense(16, "relu"), keras.layers.Dropout(0.5), keras.layers.Dense(3, "softmax")]
        self.net = keras.Sequential([keras.Input((5,)), *layers])
        self.net.compile(keras.optimizers.SGD(0.1, momentum=0.9))
        self.checkpoints = Checkpoints(folder)
        self.state = self.checkpoints.restore(self.net, epochs)
        self.epochs, self.kept, self.diverged = epochs, [], []

    def validate(self):
        return {"top1_error": 0.5, "loss": 1.0}

    def keep(self, state):
        self.checkpoints.keep(self.net, state)
        self.kept.append((state.epoch, state.step))

    def run(self, *callbacks, validate=None, keep_every=1e9):
        start = self.state.epoch * STEPS + self.state.step
        images, labels = (part.reshape(EPOCHS * STEPS, BATCH, *part.shape[3:])[start:] for part in (IMAGES, LABELS))
        schedule = PlateauSchedule(patience=2)
        train_loop(
            self.state,
            make_train_step(self.net, tf.distribute.get_strategy(), BATCH),
            iter(tf.data.Dataset.from_tensor_slices((images, labels))),
            validate or self.validate,
            epochs=self.epochs,
            steps=STEPS,
            measure=lambda: {"largest": float(np.abs(self.net.weights[0]).max())},
            schedule=schedule,
            callbacks=keras.callbacks.CallbackList([schedule, *callbacks], model=self.net, epochs=self.epochs),
            keep=self.keep,
            keep_every=keep_every,
            on_divergence=self.on_divergence,
        )
        return self

    def on_divergence(self, step):
        self.diverged.append(step)
        raise ValueError("diverged")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return Training(tmp_path_factory.mktemp("whole")).run()


def assert_same(one, other):
    for first, second in zip(
        one.net.weights[:4] + one.net.optimizer.variables, other.net.weights[:4] + other.net.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(first, second)
    assert one.state.to_json() == other.state.to_json()


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.05)


class At(keras.callbacks.Callback):
    """Does something at a place of a training."""

    def __init__(self, place, act):
        super().__init__()
        self.place, self.act = place, act

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.place:
            self.act()

    def on_epoch_end(self, epoch, logs=None):
        if self.place == (epoch, "end"):
            self.act()


def test_what_is_measured_of_the_weights_is_in_the_history(whole):
    assert len({epoch["largest"] for epoch in whole.state.history}) == EPOCHS
    assert whole.state.history[-1]["largest"] == float(np.abs(whole.net.weights[0]).max())


def test_the_learning_rate_fell(whole):
    # Otherwise the tests below would not show that its counters are kept.
    assert len({epoch["learning_rate"] for epoch in whole.state.history}) == 3
    assert whole.kept == [(epoch, 0) for epoch in range(1, EPOCHS + 1)]


@pytest.mark.parametrize("place", [(0, 0), (1, 2), (2, 3), (3, "end"), (4, "end")])
def test_ctrl_c_loses_no_step_and_no_bit(whole, tmp_path, place):
    with pytest.raises(KeyboardInterrupt):
        Training(tmp_path).run(At(place, interrupt))
    resumed = Training(tmp_path)
    assert (resumed.state.epoch, resumed.state.step) == (place[0], STEPS if place[1] == "end" else place[1] + 1)
    assert_same(resumed.run(), whole)


def test_ctrl_c_while_validating(whole, tmp_path):
    validations = iter([None, None, interrupt])

    def validate():
        if act := next(validations, None):
            act()
        return {"top1_error": 0.5, "loss": 1.0}

    with pytest.raises(KeyboardInterrupt):
        Training(tmp_path).run(validate=validate)
    resumed = Training(tmp_path)
    assert (resumed.state.epoch, resumed.state.step) == (2, STEPS)
    assert_same(resumed.run(), whole)


def test_a_process_that_dies_goes_on_from_the_last_checkpoint(whole, tmp_path):
    class Killed(BaseException):
        pass

    def die():
        raise Killed

    training = Training(tmp_path)
    with pytest.raises(Killed):
        training.run(At((2, 2), die), keep_every=0)
    assert training.kept[-1] == (2, 2)
    assert_same(Training(tmp_path).run(), whole)


def test_divergence_is_found_before_anything_is_kept(tmp_path):
    training = Training(tmp_path)

    def spoil():
        training.net.optimizer.learning_rate = np.inf

    with pytest.raises(ValueError, match="diverged"):
        training.run(At((1, 1), spoil), keep_every=0)
    # The third step of the second epoch is the first whose update made weights that are no numbers.
    assert training.diverged == [STEPS + 2]
    assert training.kept[-1] == (1, 2)


def test_ctrl_c_keeps_nothing_that_diverged(tmp_path):
    training = Training(tmp_path)

    def spoil():
        training.net.optimizer.learning_rate = np.inf

    with pytest.raises(KeyboardInterrupt):
        training.run(At((1, 0), spoil), At((1, 1), interrupt))
    assert training.kept == [(1, 0)]


def test_callbacks_are_called_as_fit_calls_them(tmp_path):
    calls = []

    class Log(keras.callbacks.Callback):
        def __getattribute__(self, name):
            if name.startswith(("on_epoch", "on_train")):
                return lambda *arguments, **named: calls.append((name, *[number for number in arguments if isinstance(number, int)]))
            return super().__getattribute__(name)

    def names(fit):
        calls.clear()
        fit()
        return list(calls)

    ours = names(lambda: Training(tmp_path, epochs=2).run(Log()))
    training = Training(tmp_path / "other")
    training.net.compile("sgd", "sparse_categorical_crossentropy")
    data = IMAGES[0].reshape(-1, 5), LABELS[0].reshape(-1)
    theirs = names(lambda: training.net.fit(*data, batch_size=BATCH, epochs=2, callbacks=[Log()], verbose=0))
    assert ours == theirs
