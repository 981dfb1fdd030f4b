"""Predict the classes of many images on the workers of Beam."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, cast

import apache_beam as beam
from apache_beam.utils import shared
from etils import epath

from zfnet.components.data.beam.options import check_data_reaches_runner
from zfnet.components.data.beam.pipeline import open_pipeline
from zfnet.components.data.photograph_progress import PROGRESS
from zfnet.components.prediction.images import Images
from zfnet.components.prediction.predict import Row, check_stored_size, predict_chunk
from zfnet.components.prediction.predictor import Predictor
from zfnet.components.storage.files import atomic_file, open_file


def predict_on_beam(
    open_predictor: Callable[[], Predictor], images: Images, out: epath.PathLike, runner: str, beam_options: tuple[str, ...]
) -> Iterator[Row]:
    """Yields the same rows as `predict_images`; the workers of Beam compute them, a chunk at a time.

    Each worker opens the model once, by `open_predictor`, and writes the rows of a chunk to a file in a directory beside `out`, which is
    removed in the end. `runner` and `beam_options` are as in `open_pipeline`.

    Raises:
        ValueError: as `predict_images` does, or workers can't reach the data or the model.
    """
    check_data_reaches_runner(runner, images.location)
    work = epath.Path(out).parent / f".{epath.Path(out).name}.{uuid.uuid4().hex}.partial"
    work.mkdir(parents=True)
    try:
        with PROGRESS.shown("Predicting"), open_pipeline(runner, beam_options, str(work)) as pipeline:
            _ = (
                pipeline
                | beam.Create([None])
                | "List" >> beam.FlatMap(lambda _: enumerate(images.chunks()))
                | beam.Reshuffle()
                | "Predict" >> beam.ParDo(PredictChunk(open_predictor, images, str(work)))
                | beam.combiners.ToList()
                | "Report" >> beam.Map(_write_report, f"{work}/report.json")
            )
        chunks = json.loads((work / "report.json").read_text())
        if not chunks:
            raise ValueError(f"There are no images in {images.location}; expected a folder or a table with at least one.")
        for number in chunks:
            with open_file(chunk_file(str(work), number)) as file:
                for line in file:
                    yield cast(Row, tuple(json.loads(line)))
    finally:
        work.rmtree(missing_ok=True)


def chunk_file(directory: str, number: int) -> str:
    """The file with the rows of a chunk."""
    return f"{directory}/{number:07d}.jsonl"


def _write_report(chunks: list[int], path: str) -> None:
    with atomic_file(path) as file:
        file.write(json.dumps(sorted(chunks)).encode())


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
