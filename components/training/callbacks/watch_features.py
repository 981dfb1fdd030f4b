"""The callback that watches the features of any Keras model grow while it trains."""

import contextlib
import functools
import os
import pathlib
import time
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from zfnet.components.figures.layers import watched_layers
from zfnet.components.pictures.figure import Figure
from zfnet.components.storage.files import is_remote
from zfnet.components.training.callbacks.convergence import LayerConvergence
from zfnet.components.training.callbacks.evolution import MAPS, FeatureEvolution
from zfnet.components.training.callbacks.evolution_sheet import draw_sheet, write_sheet
from zfnet.components.training.callbacks.first_layer import FirstLayer
from zfnet.components.training.callbacks.look_budget import LookBudget
from zfnet.components.training.callbacks.look_schedule import LookSchedule, epoch_numbers
from zfnet.components.training.callbacks.read_images import Images, check_images
from zfnet.components.training.callbacks.unnoticed import unnoticed
from zfnet.components.training.callbacks.watched_images import KeptImages, WatchedImages
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.strongest import Strongest
from zfnet.model.measures.outputs import check_finite_weights

# Share of the time of the epochs.
SHARE = 0.05
FOLDER = "watched"
UNKNOWN = 1 << 30  # Number of epochs, in a training loop that does not tell it to callbacks.


class WatchFeatures(keras.callbacks.Callback):
    """Shows in TensorBoard how the features of a model grow while `model.fit` trains it.

    Before the first epoch and after some epochs it projects the strongest activation of a few feature maps of every layer to pixels
    (Zeiler & Fergus 2013, section 4.1 and Fig. 4). After every epoch it draws the filters of the first convolution and measures them
    (`structured`, `aliased`, `dead`), and how much each layer still changed. When the training ends, it draws the evolution of the
    features as a sheet: `evolution_LAYER.png` in `log_dir`, with its numbers in `evolution.json`, and in TensorBoard.

    The training is left as it is: the weights have the same bits with and without the callback. Steps are epochs, counted from 1. Another
    `fit` of the same model continues the count, and a training that was killed and restored continues with the files in `log_dir`.

    Args:
        images: images to search, with the values that the model takes: an array `(N, height, width, channels)`, a batched `tf.data.Dataset`
            or a `keras.utils.PyDataset`, with labels or without. At most 1,000 (or 256 MB) are read, once, and kept in `log_dir`; the first
            ones of a `tf.data.Dataset`, which should be shuffled if classes come in order.
        log_dir: directory for TensorBoard, on a local disk; a new one for every training.
        layers: names of layers, as in `Deconvnet.layers`; None takes the ReLU of every convolution, of five of them if there are more
            than ten, without those that a deconvnet is not defined for.
        maps: feature maps to show of each layer.
        epochs: epochs after which to project, counted from 1; None takes the first ten and those of the paper (20, 30, 40, 64), and the
            last. With None, looks between the first and the last are left out as long as they would take more than `share`.
        seed: decides which feature maps are shown.
        share: part of the epochs' time that looks may take, 0..1: as many images are searched as fit, 64 at least. None searches all
            images each time, as the first look and the last one do.
        unsupported: as in `Deconvnet`; with `"error"`, layers above one without a backward rule are left out.
        rules: as in `Deconvnet`.
        folder: directory for arrays that the sheet is made of; None takes `watched` in `log_dir`.
        sheet: whether to draw the sheet when the training ends; `figure` draws it at any time.
        resumed: number of the epoch, counted from 0, if the training is resumed in its middle.

    Raises:
        ValueError: images can't be read again. When the training begins: images are not of the shape that the model takes, there is no
            layer that can be projected from, or `log_dir` holds another training.

    Examples:
        >>> net = keras.Sequential([keras.Input((96, 96, 3)), keras.layers.Conv2D(8, 7, 4, activation="relu", name="edges")])
        >>> net.compile("sgd", "mse")
        >>> watch = WatchFeatures(images, tmp_path, epochs=[1, 2])
        >>> history = net.fit(images, np.zeros((4, 23, 23, 8)), epochs=2, verbose=0, callbacks=[watch])
        >>> sorted(path.name for path in tmp_path.glob("evolution*"))
        ['evolution.json', 'evolution_edges.png']
    """

    # Of arrays, in `folder`.
    FOLDERS = "evolution", "convergence"

    def __init__(
        self,
        images: Images | WatchedImages,
        log_dir: str | os.PathLike,
        layers: Sequence[str] | None = None,
        maps: int = MAPS,
        epochs: Iterable[int] | None = None,
        *,
        seed: int = 0,
        share: float | None = SHARE,
        unsupported: str = "error",
        rules: Mapping[Any, Any] | None = None,
        folder: str | os.PathLike | None = None,
        sheet: bool = True,
        resumed: int | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(images, WatchedImages):
            check_images(images)
        if is_remote(log_dir):
            raise ValueError(f"log_dir is {str(log_dir)!r}; expected a directory on a local disk.")
        if isinstance(layers, str) or (layers is not None and not len(layers)):
            raise ValueError(f"layers is {layers!r}; expected a list of names, such as ['conv1'], or None.")
        if maps < 1:
            raise ValueError(f"maps is {maps}; expected 1 at least.")
        self.images, self.log_dir, self.layers, self.maps = images, pathlib.Path(log_dir), layers, maps
        self.epochs = None if epochs is None else epoch_numbers(epochs)
        self.seed, self.share, self.sheet, self.resumed = seed, share, sheet, resumed
        self.unsupported, self.rules = unsupported, rules
        self.folder = self.log_dir / FOLDER if folder is None else pathlib.Path(folder)
        # The model that the parts of the callback were made for, and whether an epoch of it has begun: ever, and in this `fit`.
        self._watched: keras.Model | None = None
        self._known = self._began = self._warned = False
        # Epochs before the first one of this `fit`, and epochs done.
        self._before = self._done = 0

    @functools.cached_property
    def writer(self) -> tf.summary.SummaryWriter:
        """Writer of TensorBoard's files in `log_dir`."""
        return tf.summary.create_file_writer(str(self.log_dir))

    @unnoticed
    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Reads the images, and raises if the model can't be watched."""
        self._began = False
        self._prepare()

    @unnoticed
    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keeps the kernels; before the first epoch also looks at the features."""
        # Weights may have changed since the `fit` before.
        anew = self._known and not self._began
        if not self._began:
            self._begin(epoch)
        begin = time.perf_counter()
        with self._warning():
            self._convergence.begin(self._before + epoch, anew)
        self._clock = time.perf_counter()
        self._budget.add(self._clock - begin)

    @unnoticed
    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the features if it is time, and at the filters and the changes of each layer."""
        self._budget.add_epoch(time.perf_counter() - self._clock)
        self._done = self._before + epoch + 1
        is_stopped = self.model.stop_training
        is_last = is_stopped or self._done == self._schedule.total
        with self._warning():
            found = self._look(is_stopped, is_last) if self._schedule.is_due(self._done, is_stopped) else {}
            begin = time.perf_counter()
            if self._first:
                self._first.write(self.writer, self._done, found)
            self._convergence.end(self._done)
            self._budget.add(time.perf_counter() - begin)

    @unnoticed
    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Draws the sheet."""
        if not self._began or not self.sheet:
            return
        if self.epochs is None and not self._evolution.has_column(self._done):
            with self._warning():
                self._look(shown=True, whole=True)  # Another callback, after this one, stopped the training.
        with self._warning():
            self._convergence.begin(self._done)  # A later `fit` recognises the training by these kernels.
            write_sheet(self.figure(), self.log_dir, self.writer, self._done)

    @unnoticed
    def figure(self, epochs: Collection[int] | None = None) -> Figure:
        """Draws the evolution of the features so far, as `zfnet evolution` does.

        `epochs` are those to show, counted from 1, with 0 for before the first. None takes all that were kept, or those of the paper if
        there are more than ten. A notebook shows the figure.
        """
        if self.model is None:
            raise ValueError("There is no model to draw features of; call `figure` after `fit` has begun, or `set_model` before.")
        self._prepare()
        return draw_sheet(self._evolution, self._done, epochs)

    def _prepare(self) -> None:
        """Makes the parts of the callback for the model, once."""
        if self._watched is self.model:
            return
        leaves_out = self.unsupported == "error"
        deconvnet = Deconvnet(self.model, "gradient" if leaves_out else self.unsupported, self.rules)
        if deconvnet.graph.dims[: len(self.model.inputs)] != [2]:
            shapes = ", ".join(str(tensor.shape) for tensor in self.model.inputs)
            raise ValueError(f"The model {self.model.name!r} takes {shapes}; WatchFeatures is for models of one batch of images.")
        layers = watched_layers(deconvnet, self.layers, leaves_out)
        evolution, convergence = (self.folder / name for name in self.FOLDERS)
        self._convergence = LayerConvergence(deconvnet.graph, convergence, evolution, self.writer, self.resumed)
        images = self.images
        if not isinstance(images, WatchedImages):
            images = KeptImages.of(images, self.model, self.folder / "images.npy", anew=not self._convergence.epochs())
        self._first = FirstLayer.of(deconvnet)
        self._evolution = FeatureEvolution(deconvnet, layers, images, self.maps, self.seed, evolution, self.writer)
        self._budget = LookBudget(self.share, images.count)
        self._schedule = LookSchedule(self.epochs, self._budget)
        self._watched, self._known, self._done = self.model, False, self._convergence.epochs()

    def _begin(self, epoch: int) -> None:
        """Finds the step of the first epoch of a `fit`, counted from 0, and looks at the features before it."""
        # A training that was killed in its first epoch may have measured more than it restored.
        earlier, goes_on = self._done, self._known or (epoch == 0 and self.resumed is None)
        if not self._known and goes_on and earlier and not self._convergence.goes_on(earlier):
            raise ValueError(
                f"{self.log_dir} holds the features of another training, of {earlier} epochs. Give another log_dir, or remove this one."
            )
        # A killed training begins where it was restored; any other goes on.
        self._before = max(0, earlier - epoch) if goes_on else 0
        self._done = first = self._before + epoch
        self._schedule.total = self._before + (self.params or {}).get("epochs", UNKNOWN)
        # An epoch that is resumed in its middle keeps what was written at its beginning.
        optimizer = getattr(self.model, "optimizer", None)
        is_trained = optimizer is not None and int(keras.ops.convert_to_numpy(optimizer.iterations)) > 0
        is_new = first == 0 and self.resumed is None and not (is_trained and self._evolution.has_column(0))
        self._evolution.remove_after(-1 if is_new else first)
        self._convergence.remove_after(-1 if is_new else first)
        self._evolution.check_layers(first)
        is_new |= not self._evolution.has_looked(range(first + 1))
        is_missing = is_new or (first in self._schedule.epochs and not self._evolution.has_looked([first]))
        if is_missing and first != self.resumed:
            self._look(shown=is_new)
        self._known = self._began = True

    def _look(self, shown: bool = False, whole: bool = False) -> dict[str, Strongest]:
        """Projects the features as they are, searched in all images if `whole`; returns the strongest activations."""
        check_finite_weights(self._evolution.deconvnet, self._evolution.layers)
        others = [self._first.rectified] if self._first and self._first.rectified else []
        if self._budget.is_new:
            self._evolution.search(self._budget.fewest, others)  # Compiles, so that the next search takes its usual time.
        images = self._budget.all if whole else self._budget.images
        begin = time.perf_counter()
        found = self._evolution.search(images, others)
        searched = time.perf_counter()
        self._evolution.project(self._done, found, shown or self._schedule.is_shown(self._done))
        self._budget.add_look(searched - begin, time.perf_counter() - searched, images)
        return found

    @contextlib.contextmanager
    def _warning(self) -> Iterator[None]:
        """Turns the first error into a warning and drops later ones: watching must not end a training of hours."""
        try:
            yield
        except (ValueError, OSError, tf.errors.OpError) as error:
            if not self._warned:
                warnings.warn(f"The features after epoch {self._done} are not shown. {error}", stacklevel=2)
            self._warned = True
