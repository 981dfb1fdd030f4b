"""Two separate worker processes, through Beam's portable protocol, make the same bytes as one process."""

import pathlib
import sys

import pytest

THIS_PYTHON = pathlib.Path(sys.executable)


@pytest.mark.timeout(300)
def test_worker_pool(photographs, prepare, by_one_process, worker_pool, notes, contents, tmp_path):
    with worker_pool(THIS_PYTHON, tmp_path / "workers") as port:
        workers = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{port}", "--direct_num_workers=2"]
        done = prepare(photographs, tmp_path / "prepared", "--runner", "FnApiRunner", "--", *workers)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "prepared") == by_one_process
    counted = notes(tmp_path / "workers")
    assert len(counted) == 2, "one of the workers did nothing"
    assert sum(number for number, _ in counted) == 17
    assert not any(tensorflow for _, tensorflow in counted)


@pytest.mark.timeout(300)
def test_job_server(photographs, prepare, by_one_process, worker_pool, serving, free_port, notes, contents, tmp_path):
    port = free_port()
    server = [sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main", "-p", str(port)]
    with serving(server, port), worker_pool(THIS_PYTHON, tmp_path / "workers") as pool:
        options = [f"--job_endpoint=localhost:{port}", "--environment_type=EXTERNAL", f"--environment_config=localhost:{pool}"]
        done = prepare(photographs, tmp_path / "prepared", "--runner", "PortableRunner", "--", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "prepared") == by_one_process
    assert sum(number for number, _ in notes(tmp_path / "workers")) == 17


def test_nobody_answers(photographs, prepare, free_port, tmp_path):
    port = free_port()
    options = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"]
    done = prepare(photographs, tmp_path / "prepared", "--", *options)
    assert done.returncode == 1
    assert f"localhost:{port}" in done.stderr
    assert done.stderr.count("\n") <= 3
    assert list(tmp_path.iterdir()) == []
