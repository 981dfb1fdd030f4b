"""Brings targets down to pixels, in chunks, the faster way of two."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.passes import Passes
from zfnet.model.deconvnet.rules.rule import Kept
from zfnet.model.deconvnet.targets import Targets
from zfnet.model.deconvnet.windows import Windows

# Projections that are brought down together: so many that the largest map has about this many values, and no more than there are
# gains in speed.
MOST_VALUES = 1 << 25
MOST_ROWS = 32
THREADS = 2


def backproject(
    passes: Passes, value: int, shapes: list[tuple[int, ...]], kept: dict[int, Kept], targets: Targets
) -> tuple[np.ndarray, np.ndarray | None]:
    """Brings targets down to pixels: through windows where that is less work, else through whole maps.

    Args:
        passes: the compiled passes of a model.
        value: number of the value that the targets are activations of.
        shapes: shape of every value of the graph, without the batch.
        kept: what each operation below keeps of the forward pass, by the number of its output.
        targets: one or more.

    Returns:
        Windows of the receptive field `(M, rh, rw, C)` and their corners `(M, 2)`; or whole images `(M, H, W, C)` and `None`.
    """
    windows = Windows(passes.graph, value, shapes)
    if windows.worthwhile:
        key, largest = ("windows", value, tuple(shapes)), windows.largest

        def run(*part):
            return passes.run(key, windows.down, kept, *part, values=len(part[0]) * largest)

    else:
        largest = max(math.prod(shapes[number]) for number in {0, *(operation.output for operation in windows.operations)})

        def run(*part):
            return [_whole(passes, value, shapes, kept, *part)]

    rows = min(MOST_ROWS, 1 << max(MOST_VALUES // largest, 1).bit_length() - 1)
    targets = targets._replace(strengths=targets.strengths.astype(passes.graph.dtype))
    chunks = list(targets.chunks(rows))
    starts = np.cumsum([0, *(count for count, _ in chunks)])
    shape = (*windows.size, shapes[0][2]) if windows.worthwhile else shapes[0]
    signal = np.empty((starts[-1], *shape), passes.graph.dtype)
    corners = np.empty((starts[-1], 2), np.int32)

    def bring_chunk(start, chunk):
        count, part = chunk
        for whole, array in zip((signal, corners), run(*part), strict=False):
            whole[start : start + count] = np.asarray(array)[:count]

    # Two at a time: while one is in a step that keeps a single core busy, the other uses the rest.
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(bring_chunk, starts, chunks))
    return signal, corners if windows.worthwhile else None


def _whole(passes, value, shapes, kept, examples, units, positions, strengths):
    places = np.concatenate([np.arange(len(units), dtype=np.int32)[:, None], positions, units[:, None]], axis=1)
    signal = tf.scatter_nd(places, strengths, (len(units), *shapes[value]))
    chosen = tf.nest.map_structure(lambda tensor: tf.gather(tensor, examples), kept)
    return passes.down(value, signal, shapes, chosen)
