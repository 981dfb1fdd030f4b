"""Photographs prepared by worker processes through Beam's portable protocol: the same bytes as in one process."""

import sys

import pytest

from zfnet.components.artifacts import Anomalies, Examples, Statistics
from zfnet.components.example_validator import validate_examples
from zfnet.components.statistics_gen import generate_statistics

from .conftest import SMALL, content, free_port, noted, server, worker_pool


@pytest.fixture(scope="module")
def witness(tmp_path_factory):
    return tmp_path_factory.mktemp("workers") / "witness"


@pytest.fixture(scope="module")
def pool(witness):
    with worker_pool(witness) as options:
        yield options


def test_two_worker_processes(zfnet, photographs, in_one_process, pool, witness, tmp_path):
    zfnet("examples", photographs, "--out", tmp_path / "prepared", *SMALL, "--", *pool, "--direct_num_workers=2")
    assert content(tmp_path / "prepared") == content(in_one_process)
    assert len(content(in_one_process)) > 8
    did = noted(witness)
    assert len(did) == 2
    assert not any(line.startswith("import tensorflow") for lines in did.values() for line in lines)


def test_job_server(zfnet, photographs, in_one_process, pool, tmp_path):
    port = free_port()
    with server([sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main", f"--port={port}"], port):
        options = ("--runner", "PortableRunner", "--", *pool, f"--job_endpoint=localhost:{port}")
        zfnet("examples", photographs, "--out", tmp_path / "prepared", *SMALL, *options)
    assert content(tmp_path / "prepared") == content(in_one_process)


def test_statistics_and_anomalies(in_one_process, pool, tmp_path):
    examples = Examples(in_one_process)
    for name, options in {"one": (), "two": (*pool, "--direct_num_workers=2")}.items():
        statistics = Statistics(tmp_path / name / "statistics")
        generate_statistics(examples, statistics, runner="FnApiRunner", beam_options=options)
        validate_examples(examples, statistics, Anomalies(tmp_path / name / "anomalies"), runner="FnApiRunner", beam_options=options)
    assert content(tmp_path / "two") == content(tmp_path / "one")
    assert len(content(tmp_path / "one")) == 3
