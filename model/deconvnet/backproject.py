"""Back-projection of activations in chunks, through small windows if that is less work than whole maps."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.passes import Passes
from zfnet.model.deconvnet.rules.chosen.own import Own
from zfnet.model.deconvnet.rules.rule import Gradient, Saved
from zfnet.model.deconvnet.targets import Targets
from zfnet.model.deconvnet.windows.plan import Windows
from zfnet.model.deconvnet.windows.way_down import WayDown

# Projections computed together: at most this many, and about this many values in the largest map. More bring no speed.
MOST_ROWS, MOST_VALUES = 32, 1 << 25
THREADS = 2


def backproject(
    passes: Passes, value: int, shapes: list[tuple[int, ...]], saved: dict[int, Saved], targets: Targets, threads: int = THREADS
) -> dict[int, tuple[np.ndarray, np.ndarray | None]]:
    """Back-projects one or more targets, through windows if that is less work, else through whole maps.

    The targets are activations of the value number `value`; `shapes` and `saved` are as in `Passes.backward`, but one row an image.
    `threads` project side by side; more than two bring nothing on two cores.

    Returns:
        For the number of each input that the signal reaches, windows of the receptive field `(M, rh, rw, C)` and their corners `(M, 2)`;
        or whole images `(M, H, W, C)` and `None`.

    Raises:
        ValueError: if the activations or their projections are not finite numbers.
    """
    graph = passes.graph
    windows = Windows(graph, value, shapes)
    way_down, key = WayDown(windows), ("windows", value, tuple(shapes), *windows.places)
    sources = windows.sources if windows.places else graph.sources(value)
    results: list[tuple[tuple[int, ...], Any]] = []
    for source in sources:
        if source in windows.places:
            size = windows.places[source].size
            results += [((*size, shapes[source][-1]), graph.dtype), ((len(size),), np.int32)]
        else:
            results.append((shapes[source], graph.dtype))

    def run(*part):
        if not windows.places:
            return passes.backward(value, *_start(value, shapes, saved, *part))
        return passes.run(key, way_down.backward, saved, *part, values=len(part[0]) * windows.largest, operations=len(windows.operations))

    rows = min(MOST_ROWS, 1 << max(MOST_VALUES // windows.largest, 1).bit_length() - 1)
    targets = targets._replace(strengths=targets.strengths.astype(passes.graph.dtype))
    chunks = list(targets.chunks(rows))
    starts = np.cumsum([0, *(count for count, _ in chunks)])
    arrays = [np.empty((starts[-1], *shape), dtype) for shape, dtype in results]

    def project_chunk(start, chunk):
        count, part = chunk
        for whole, array in zip(arrays, run(*part), strict=True):
            whole[start : start + count] = np.asarray(array)[:count]

    # Two at a time: while one is in a step that keeps a single core busy, the other uses the rest.
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(project_chunk, starts, chunks))
    for array in arrays:
        if not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array).all(axis=tuple(range(1, array.ndim)))))
            _raise_not_finite(passes, value, shapes, saved, targets, row)
    given = iter(arrays)
    return {source: (next(given), next(given) if source in windows.places else None) for source in sources}


def _start(value, shapes, saved, examples, units, positions, strengths):
    places = np.concatenate([np.arange(len(units), dtype=np.int32)[:, None], positions, units[:, None]], axis=1)
    signal = tf.scatter_nd(places, strengths, (len(units), *shapes[value]))
    return signal, shapes, tf.nest.map_structure(lambda tensor: tf.gather(tensor, examples), saved)


def _raise_not_finite(passes, value, shapes, saved, targets, row):
    part = Targets(*(numbers[row : row + 1] for numbers in targets))
    name = passes.graph.first_names()[value]
    if not np.isfinite(part.strengths).all():
        raise ValueError(
            f"Layer {name!r} has activations that are not finite numbers (NaN or infinite): are the model's weights, or the preprocessing, "
            "right?"
        )
    found = passes.first_not_finite(value, *_start(value, shapes, saved, *part))
    raise ValueError(f"The projection of unit {part.units[0]} of layer {name!r} is not finite (NaN or infinite): {_reason(found)}.")


def _reason(found):
    if found is None:
        return "the activation or the weights are too large"
    layer = f"layer {found.layer.name!r}, of type {type(found.layer).__name__},"
    if isinstance(found.rule, Own):
        return f"the rule of {layer} returned such numbers for a finite signal"
    if not isinstance(found.rule, Gradient):
        return f"{layer} is the first on the way down to make such numbers. Check its weights"
    if getattr(found.layer, "compute_dtype", None) == "float16":
        return f"{layer} is passed by its gradient, in float16, whose largest number is 65504; build it with dtype='float32'"
    return f"the gradient of {layer} is not finite at this image, like that of sqrt(x) at 0; sqrt(x + 1e-6) would be"
