import http.client
import http.server
import json
import re
import subprocess
import threading
import time
import urllib.parse

import pytest

# Times a tenth to a hundredth of the real ones.
HOLD = """
import signal, sys
from zfnet.pipeline.orchestration import lock
from etils import epath

# As `zfnet run` does; and as a shell does for a background job of a script, or not, however these tests were started.
signal.signal(signal.SIGTERM, signal.default_int_handler)
signal.signal(signal.SIGINT, signal.SIG_IGN if "background" in sys.argv else signal.default_int_handler)
lock.RENEWED, lock.STALE, lock.GIVEN_UP, lock.LOOKED = 0.3, 3.0, 1.5, 0.3
try:
    with lock.root_lock(epath.Path("gs://photos/root"), "zfnet run " + sys.argv[1], wait="wait" in sys.argv):
        print("held", flush=True)
        sys.stdin.read()
except OSError as error:
    print(error, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


class Conditions(http.server.BaseHTTPRequestHandler):
    """Stands before the server that stands in for Cloud Storage, and sees to what that ignores: which generation an object must have."""

    lock = threading.Lock()

    def answer(self):
        """Hands a request on, and the answer back."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        with self.lock:
            for expected in query.get("ifGenerationMatch", []):
                if self.command == "POST":
                    name = json.loads(re.search(rb"\n\r?\n(\{.*\})\r?\n", body)[1])["name"]
                else:
                    name = urllib.parse.unquote(re.search(r"/o/([^/?]+)", self.path)[1])
                bucket = re.search("/b/([^/]+)/o", self.path)[1]
                status, _, found = self.ask("GET", f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}", None)
                if expected != (json.loads(found)["generation"] if status == 200 else "0"):
                    return self.reply(412, [("Content-Type", "application/json")], b'{"error": {"code": 412, "message": "another"}}')
            return self.reply(*self.ask(self.command, self.path, body))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815

    def ask(self, method: str, path: str, body: bytes | None):
        connection = http.client.HTTPConnection(self.server.behind, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length", "connection")}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.getheaders(), content

    def reply(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture(scope="module")
def cloud_storage(cloud_storage):
    """The bucket, in a server that sees to conditions."""
    server = http.server.ThreadingHTTPServer(("localhost", 0), Conditions)
    server.daemon_threads = True
    server.behind = urllib.parse.urlsplit(cloud_storage["STORAGE_EMULATOR_HOST"]).netloc
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {**cloud_storage, "STORAGE_EMULATOR_HOST": f"http://localhost:{server.server_port}"}
    server.shutdown()
    server.server_close()


@pytest.fixture
def hold(in_cloud, open_bucket):
    """Starts a process that holds the root until its input ends."""
    processes = []

    def start(*arguments: str):
        processes.append(in_cloud.start(HOLD, *arguments))
        return processes[-1]

    yield start
    for process in processes:
        with process:  # closes its pipes
            process.kill()
    for blob in open_bucket().list_blobs():
        blob.delete()


pytestmark = pytest.mark.timeout(120)


def test_second_process_is_told_who_holds_the_root(hold, fetch):
    first = hold("one")
    assert first.stdout.readline() == "held\n"
    told = hold("two").stdout.readline()
    assert re.match(
        rf"The directory gs://photos/root is in use by process {first.pid} on \S+ since 20.* \(zfnet run one\), which was", told
    )
    assert "Wait for it (`zfnet run --wait`), or use another --root." in told
    # Longer than a lock that is not renewed counts.
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(4)
    assert "in use by" in hold("three").stdout.readline()
    first.communicate("", timeout=30)
    assert "root/lock" not in fetch("")
    assert hold("four").stdout.readline() == "held\n"


def test_second_process_waits_if_asked_to(hold):
    first = hold("one")
    assert first.stdout.readline() == "held\n"
    second = hold("two", "wait")
    assert "(zfnet run one), which was last active" in (told := second.stdout.readline())
    assert told.endswith("Waiting for it to end.\n")
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1)
    first.communicate("", timeout=30)
    assert second.stdout.readline() == "held\n"


def test_lock_of_a_process_that_died_is_taken_over(hold):
    first = hold("one")
    assert first.stdout.readline() == "held\n"
    first.kill()
    first.wait()
    assert "in use by" in hold("two").stdout.readline()
    waiting = hold("three", "wait")
    assert "Waiting for it to end" in waiting.stdout.readline()
    assert waiting.stdout.readline() == "held\n"


def test_one_of_many_gets_it(hold):
    lines = [process.stdout.readline() for process in [hold(str(number)) for number in range(6)]]
    assert lines.count("held\n") == 1
    assert sum("in use by" in line for line in lines) == 5


def test_one_of_many_takes_over_from_the_dead(hold):
    first = hold("one")
    assert first.stdout.readline() == "held\n"
    first.kill()
    first.wait()
    held, threads = [], []

    def follow(process: subprocess.Popen) -> None:
        for line in process.stdout:
            if line == "held\n":
                held.append(process)

    for number in range(4):
        threads.append(threading.Thread(target=follow, args=[hold(str(number), "wait")]))
        threads[-1].start()
    for number in range(1, 5):
        while len(held) < number:
            time.sleep(0.05)
        with pytest.raises(subprocess.TimeoutExpired):
            held[-1].wait(1)
        assert len(held) == number  # nobody else has it meanwhile
        held[-1].stdin.close()
        assert held[-1].wait(30) == 0
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("started", ["foreground", "background"])
def test_process_that_lost_its_lock_ends(hold, open_bucket, started):
    first = hold("one", started)
    assert first.stdout.readline() == "held\n"
    open_bucket().blob("root/lock").upload_from_string('{"token": "other"}')
    assert first.stdout.readline() == "interrupted\n"
    assert "another process may hold it now" in first.stderr.read()
    assert open_bucket().blob("root/lock").download_as_text() == '{"token": "other"}'
