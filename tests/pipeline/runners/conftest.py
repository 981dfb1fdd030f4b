"""Real photographs, real worker processes, and a server that stands in for Cloud Storage, all on this machine."""

import contextlib
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sysconfig
import threading
import time

import pytest

from zfnet.components.data.photographs import PHOTOGRAPHS

ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
# Runs in every worker process before anything else, and keeps a note of it: photographs done, and whether TensorFlow was imported.
NOTES = """
import os, pathlib, sys, threading, time

def note():
    while True:
        time.sleep(0.05)
        tally = sys.modules.get("zfnet.components.data.tally")
        if tally and tally.TALLY.done:
            path = pathlib.Path(os.environ["WORKER_NOTES"], str(os.getpid()))
            path.with_suffix(".partial").write_text(f"{tally.TALLY.done} {'tensorflow' in sys.modules}")
            path.with_suffix(".partial").replace(path)

threading.Thread(target=note, daemon=True).start()
"""


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """The photographs of the default data set as they lie in their packages, in two classes, and two files that are none."""
    root = tmp_path_factory.mktemp("photographs")
    for number, photograph in enumerate(PHOTOGRAPHS):
        path = root / ("first", "second")[number % 2] / photograph.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(photograph.read())
    (root / "first/empty.jpg").touch()
    (root / "second/글.jpg").write_text("no photograph")
    return root


@pytest.fixture(scope="session")
def prepare():
    """Runs `zfnet examples` and returns its process when it has ended."""

    def run(data, out, *options, **environment) -> subprocess.CompletedProcess:
        command = [ZFNET, "examples", data, "--out", out, "--image-size", "56", "--num-shards", "6", "--max-rejected", "0.2", *options]
        return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240)

    return run


@pytest.fixture(scope="session")
def by_one_process(photographs, prepare, tmp_path_factory):
    """What one process makes of the photographs."""
    out = tmp_path_factory.mktemp("one") / "prepared"
    done = prepare(photographs, out)
    assert (done.returncode, done.stderr) == (0, "")
    return _contents(out)


def _contents(directory: pathlib.Path) -> dict[str, bytes]:
    """Every file's bytes."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def _free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def _serving(command: list, port: int, **options):
    """A process that is ended when the `with` statement ends; entered when it listens on `port`."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
                break
            assert process.poll() is None, f"{command} ended with exit code {process.returncode}"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@contextlib.contextmanager
def _worker_pool(python: pathlib.Path, directory: pathlib.Path):
    """Beam's worker pool of some environment, working in `directory`; gives its port, and the notes are in `directory/notes`."""
    (directory / "notes").mkdir(parents=True)
    (directory / "sitecustomize.py").write_text(NOTES)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment |= {
        "PATH": f"{python.parent}:{environment['PATH']}",  # the pool starts workers by the name `python`
        "PYTHONPATH": str(directory),
        "WORKER_NOTES": str(directory / "notes"),
    }
    port = _free_port()
    command = [python, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    with _serving(command, port, cwd=directory, env=environment):
        yield port


def _notes(directory: pathlib.Path) -> list[tuple[int, bool]]:
    """Photographs done, and whether TensorFlow was imported, of every worker process that did any."""
    found = [path.read_text().split() for path in (directory / "notes").iterdir() if path.suffix == ""]
    return [(int(done), tensorflow == "True") for done, tensorflow in found]


@pytest.fixture(scope="session")
def contents():
    return _contents


@pytest.fixture(scope="session")
def free_port():
    return _free_port


@pytest.fixture(scope="session")
def serving():
    return _serving


@pytest.fixture(scope="session")
def worker_pool():
    return _worker_pool


@pytest.fixture(scope="session")
def notes():
    return _notes


class Metadata(http.server.BaseHTTPRequestHandler):
    """Hands out credentials that mean nothing, as a machine in the cloud gets its own; without them clients retry for half a minute."""

    ANSWERS = (
        ("token", {"access_token": "none", "expires_in": 3600, "token_type": "Bearer"}),
        ("service-accounts", {"email": "nobody", "scopes": [], "aliases": []}),
        ("universe", "googleapis.com"),
        ("project", "some-project"),
    )

    def do_GET(self):
        """Answers any question."""
        answer = next((answer for word, answer in self.ANSWERS if word in self.path), "")
        body = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "application/json" if body.startswith("{") else "text/plain")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture(scope="module")
def bucket(photographs):
    """A bucket called `photos` in a server on this machine, with the photographs below `all/`: the environment in which it is found."""
    port, metadata = _free_port(), http.server.ThreadingHTTPServer(("localhost", 0), Metadata)
    threading.Thread(target=metadata.serve_forever, daemon=True).start()
    emulator = ZFNET.with_name("gcp-storage-emulator")
    command = [emulator, "start", "--host=localhost", f"--port={port}", "--in-memory", "--default-bucket=photos"]
    with _serving(command, port):
        address = f"http://localhost:{port}"
        for path in sorted(photographs.rglob("*.*")):
            _open_bucket(address).blob(f"all/{path.relative_to(photographs)}").upload_from_string(path.read_bytes(), "image/jpeg")
        where = f"localhost:{metadata.server_port}"
        yield {
            "STORAGE_EMULATOR_HOST": address,
            "GCE_METADATA_HOST": where,
            "GCE_METADATA_IP": where,
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # else it is tried with encryption, which the server does not know
        }
    metadata.shutdown()
    metadata.server_close()


@pytest.fixture(scope="module")
def fetch(bucket):
    """Fetches every object below a prefix; returns the contents by what follows it in their names."""

    def found(prefix: str) -> dict[str, bytes]:
        blobs = _open_bucket(bucket["STORAGE_EMULATOR_HOST"]).list_blobs(prefix=prefix)
        return {blob.name.removeprefix(prefix): blob.download_as_bytes() for blob in blobs}

    return found


def _open_bucket(address: str):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    client = storage.Client(project="some-project", credentials=AnonymousCredentials(), client_options={"api_endpoint": address})
    return client.bucket("photos")
