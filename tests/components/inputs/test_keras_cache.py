import hashlib
import http.server
import threading

import pytest
from keras.src.utils import file_utils

from zfnet.components.inputs.keras_cache import DownloadError, announced_downloads, cached_file

CONTENT = b"weights " * 1000
MD5 = hashlib.md5(CONTENT).hexdigest()
NOWHERE = "http://127.0.0.1:9/net.h5"  # Nobody listens on this port.


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The directory of a cache, which is not there yet."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home/models"


@pytest.fixture
def server():
    """A server that sends the weights, whatever is asked for, and remembers what was."""

    class Sender(http.server.BaseHTTPRequestHandler):
        asked: list = []  # noqa: RUF012

        def do_GET(self):
            self.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *_):
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sender)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    listening.asked, listening.address = Sender.asked, f"http://127.0.0.1:{listening.server_port}/far/net.h5"
    yield listening
    listening.shutdown()
    listening.server_close()


def test_a_file_is_downloaded_once_and_the_caller_keeps_the_standard_output(models, server, capsys):
    for file_hash in (MD5, hashlib.sha256(CONTENT).hexdigest(), None):
        assert cached_file("keras:Net", "net.h5", server.address, file_hash) == models / "net.h5"
    assert (models / "net.h5").read_bytes() == CONTENT
    assert server.asked == ["/far/net.h5"]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"keras:Net: Downloading {server.address} to {models / 'net.h5'}" in printed.err
    assert [path.name for path in models.iterdir()] == ["net.h5"]


def test_another_file_is_replaced(models, server, capsys):
    models.mkdir(parents=True)
    (models / "net.h5").write_text("half of it")
    cached_file("keras:Net", "net.h5", server.address, MD5)
    assert (models / "net.h5").read_bytes() == CONTENT
    assert f"its md5 is {hashlib.md5(b'half of it').hexdigest()}, expected {MD5}" in capsys.readouterr().err


def test_without_a_network_another_file_stays(models):
    models.mkdir(parents=True)
    (models / "net.h5").write_text("mine")
    with pytest.raises(DownloadError, match=f"can't be downloaded .*is another one .*{MD5}.*Download {NOWHERE} where .*at {models}/net.h5"):
        cached_file("keras:Net", "net.h5", NOWHERE, MD5)
    assert (models / "net.h5").read_text() == "mine"
    assert [path.name for path in models.iterdir()] == ["net.h5"]


def test_a_download_of_other_content_is_not_kept(models, server):
    with pytest.raises(DownloadError, match="hash does not match"):
        cached_file("keras:Net", "net.h5", server.address, "0" * 32)
    assert list(models.iterdir()) == []


def test_a_cache_that_can_not_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match=r"keras:Net has no place for net\.h5: .*Set KERAS_HOME"):
        cached_file("keras:Net", "net.h5", NOWHERE)


def test_keras_gets_its_files_here_for_a_while(models, server):
    original = file_utils.get_file
    with announced_downloads("keras:Net") as files:
        path = file_utils.get_file("net.h5", server.address, cache_subdir="models", file_hash=MD5)
    assert path == str(models / "net.h5")
    assert files == [models / "net.h5"]
    with pytest.raises(DownloadError), announced_downloads("keras:Net"):
        file_utils.get_file("other.h5", NOWHERE, cache_subdir="models")
    assert file_utils.get_file is original
