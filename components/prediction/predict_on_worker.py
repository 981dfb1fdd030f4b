"""The work of a Beam worker: predicts the images of one chunk and writes their rows."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.utils import shared

from zfnet.components.data.photograph_progress import PROGRESS
from zfnet.components.prediction.images import Images
from zfnet.components.prediction.predict import check_stored_size, chunk_file, predict_chunk
from zfnet.components.prediction.predictor import Predictor
from zfnet.components.storage.files import atomic_file


class PredictChunk(beam.DoFn):
    """Predicts chunks of `images`, given as `(number, chunk)`, and writes `chunk_file(directory, number)`; yields the numbers.

    All threads of a process share one model, which `open_predictor` opens.
    """

    def __init__(self, open_predictor: Callable[[], Predictor], images: Images, directory: str) -> None:
        self._open, self._images, self._directory = open_predictor, images, directory
        self._shared = shared.Shared()

    def process(self, numbered: tuple[int, Any]) -> Iterator[int]:  # noqa: D102
        number, chunk = numbered
        predictor = self._shared.acquire(self._open)
        check_stored_size(predictor, self._images)
        PROGRESS.expect(self._images.size(chunk))
        with atomic_file(chunk_file(self._directory, number)) as file:
            for row in predict_chunk(predictor, self._images, chunk):
                file.write(json.dumps(row).encode() + b"\n")
                PROGRESS.advance(1)
        yield number
