"""Draws the picture of signals in docs/deconvnet.md: a net of one-dimensional convolutions, trained to tell three made-up sounds apart.

Command: make bench BENCHMARKS=signals, or .venv/bin/python benchmarks/signals.py
Seconds. Writes docs/pictures/signals.png.
"""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

PICTURE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "pictures" / "signals.png"
LENGTH, SOUND = 512, 120
MAPS = 3


def made_signals(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Makes noise `(count, 512, 1)` with one sound in each row, and classes: 0 a rising tone, 1 a square wave, 2 a click that fades."""
    random, steps = np.random.default_rng(seed), np.arange(SOUND)
    fade = np.hanning(SOUND)
    sounds = [
        fade * np.sin(2 * np.pi * steps * (0.02 + 0.0006 * steps)),
        fade * np.sign(np.sin(2 * np.pi * steps / 24)),
        2 * np.exp(-steps / 14) * np.sin(steps / 2),
    ]
    labels = random.integers(0, len(sounds), count)
    signals = random.normal(scale=0.25, size=(count, LENGTH))
    for signal, label, start in zip(signals, labels, random.integers(0, LENGTH - SOUND, count), strict=True):
        signal[start : start + SOUND] += sounds[label]
    return signals[..., None].astype(np.float32), labels


def trained(signals: np.ndarray, labels: np.ndarray):
    """Trains a small net for a few epochs."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((LENGTH, 1)),
            layers.Conv1D(16, 9, 2, padding="causal", activation="relu", name="conv1"),
            layers.MaxPooling1D(2, name="pool1"),
            layers.Conv1D(24, 7, padding="same", activation="relu", name="conv2"),
            layers.MaxPooling1D(2, name="pool2"),
            layers.Conv1D(24, 5, padding="same", activation="relu", name="conv3"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(signals, labels, epochs=8, batch_size=32, verbose=0)
    return model


def unlike(model, signals: np.ndarray, labels: np.ndarray) -> list[int]:
    """Finds for each class the map of conv3 that is strongest in it, compared with the other classes."""
    import zfnet

    maxima = zfnet.Deconvnet(model).activations(signals, ["conv3"])[0].numpy().max(axis=1)
    means = np.stack([maxima[labels == label].mean(axis=0) for label in range(MAPS)])
    share = means / (means.sum(axis=0) + means.max() / 10)
    return sorted({int(unit) for unit in share.argmax(axis=1)})


if __name__ == "__main__":
    import zfnet

    signals, labels = made_signals(600)
    model = trained(signals, labels)
    zfnet.gallery(model, signals, "conv3", units=unlike(model, signals, labels)).save(PICTURE)
