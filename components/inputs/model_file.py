"""Opens `.keras` and HDF5 model files, which may come from anywhere: in safe mode, and with one clear message if that fails."""

import pathlib
import re
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import h5py
import keras
from etils import epath

from zfnet.components.inputs.foreign_model import EXPECTED, foreign_model
from zfnet.components.inputs.weights_size import arrays_size, check_unpacked_size
from zfnet.components.storage.files import is_remote
from zfnet.components.storage.local_copy import local_file

# Registers the layers that the project's own files need.
from zfnet.model.net import layers as contrast_normalization  # noqa: F401

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
# What `zipfile` raises for damaged or encrypted archives.
DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, KeyError, EOFError)


def load_model_file(path: epath.PathLike, custom_objects: Mapping[str, Any] | None = None) -> keras.Model:
    """Loads a `.keras` file, or one of HDF5 (`.h5`), without running any code in it.

    The contents decide, not the name. `custom_objects` are layers and functions that the model needs and Keras does not have, by name.

    Raises:
        ValueError: there is no such file, it is no Keras file, holds more than 4 GiB or is compressed beyond what weights can be, or needs
            code that neither Keras nor zfnet nor `custom_objects` have.
    """
    path = epath.Path(path)
    if is_remote(path) and path.exists():
        path = epath.Path(local_file(path))
    if not path.exists():
        raise ValueError(f"There is no model file {path}; {EXPECTED}.")
    is_zip = not path.is_dir() and zipfile.is_zipfile(path)
    if not is_zip and (path.is_dir() or not h5py.is_hdf5(path)):
        raise ValueError(foreign_model(path))
    with tempfile.TemporaryDirectory(prefix="zfnet-model-") as scratch:
        (_check_archive if is_zip else _check_hdf5)(pathlib.Path(path), pathlib.Path(scratch))
        # Keras goes by the ending of the name.
        named = pathlib.Path(scratch) / f"{path.stem}{'.keras' if is_zip else '.h5'}"
        named.symlink_to(pathlib.Path(path).resolve())
        try:
            return keras.saving.load_model(named, custom_objects=custom_objects, compile=False, safe_mode=True)
        except Exception as error:  # A damaged or foreign file can make Keras stumble anywhere.
            raise ValueError(f"{path} can't be loaded as a Keras model: {_reason(error)}") from error


def _check_archive(path: pathlib.Path, scratch: pathlib.Path) -> None:
    try:
        with zipfile.ZipFile(path) as file:
            if CONFIG not in file.namelist():
                raise ValueError(foreign_model(path))
            check_unpacked_size(path, path.stat().st_size, sum(member.file_size for member in file.infolist()))
            weights = file.extract(WEIGHTS, scratch) if WEIGHTS in file.namelist() else None
    except DAMAGED as error:
        raise ValueError(f"{path} can't be loaded as a Keras model: {error}") from error
    if weights:
        _check_arrays(path, pathlib.Path(weights))
        pathlib.Path(weights).unlink()


def _check_hdf5(path: pathlib.Path, scratch: pathlib.Path) -> None:
    _check_arrays(path, path)
    with h5py.File(path) as file:
        if "model_config" not in file.attrs:
            way = f"Build the model in Python, then model.load_weights({str(path)!r}) and model.save('model.keras')."
            if file.attrs.get("backend") in ("mxnet", b"mxnet"):
                way = f"If they are those of a ZFNet of imgclsmob, MODEL is 'imgclsmob:zfnet?weights={path}'."
            raise ValueError(f"{path} holds weights without a model. {way}")


def _check_arrays(path: pathlib.Path, weights: pathlib.Path) -> None:
    try:
        with h5py.File(weights) as file:
            size = arrays_size(file)
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path} can't be loaded as a Keras model: {error}") from error
    check_unpacked_size(path, path.stat().st_size, size)


def _reason(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if "`Lambda` layer" in text:
        return "it has a Lambda layer, whose code is in the file and is not run. Build the model with layers of Keras instead."
    if missing := re.search(r"Could not locate (class|function) '([^']+)'|Unknown (layer|[\w ]*function): '?([\w>]+)", text):
        kind, name = (missing[1], missing[2]) if missing[1] else ("class" if missing[3] == "layer" else "function", missing[4])
        return (
            f"it needs the {kind} {name!r}, which neither Keras nor zfnet has. Commands import it from a module of your own with "
            f"`--custom-objects MODULE:{name.rpartition('>')[2]}`."
        )
    return text.splitlines()[0]
