import io
import threading
import time

import pytest
from PIL import Image

from zfnet.components.data.examples.prepare_shard import PrepareShard, compose
from zfnet.components.data.examples.shard import read_shard
from zfnet.components.data.sources.source import SourcePhotograph
from zfnet.components.inputs.photograph import UnreadablePhotograph

KEY = ("train", 0, 1)


def encoded(shade: int) -> bytes:
    stored = io.BytesIO()
    Image.new("RGB", (30, 20), (shade, shade, shade)).save(stored, "PNG")
    return stored.getvalue()


def prepare(directory, read, remote=False) -> dict:
    (outcome,) = PrepareShard(read, str(directory), "shades", ["dark", "light"], 16, remote).process((KEY, None))
    return outcome


@pytest.mark.parametrize("remote", [False, True])
def test_order_is_kept_and_what_cannot_be_read_stops_nobody(tmp_path, remote):
    def photograph(number):
        def read():
            time.sleep(0.02 * (number % 3 == 0))  # some take longer than those that come after them
            if number % 7 == 5:
                raise UnreadablePhotograph(f"number {number}")
            return encoded(number)

        return SourcePhotograph(f"id{number}", number % 4, f"from/{number}", read)

    outcome = prepare(tmp_path, lambda _: map(photograph, range(40)), remote)
    assert outcome["rejected"] == [{"id": f"id{n}", "reason": f"number {n}", "source": f"from/{n}"} for n in range(5, 40, 7)]
    stored = list(read_shard(tmp_path / outcome["shard"]["file"]))
    kept = [number for number in range(40) if number % 7 != 5]
    assert [example["id"] for example in stored] == [f"id{number}" for number in kept]
    # Labels that name no class are kept, for the validator to report.
    assert [example["class_name"] for example in stored] == [["dark", "light", "", ""][number % 4] for number in kept]


def test_a_storage_that_fails_is_no_broken_photograph(tmp_path):
    def fail():
        raise ConnectionError("come back later")

    with pytest.raises(ConnectionError, match="come back later"):
        prepare(tmp_path, lambda _: iter([SourcePhotograph("a", 0, "a", fail)]))
    assert list(tmp_path.iterdir()) == []


def test_remote_photographs_are_fetched_side_by_side(tmp_path):
    together = threading.Barrier(8, timeout=20)

    def read():
        together.wait()  # passes only when eight wait here
        return encoded(1)

    outcome = prepare(tmp_path, lambda _: (SourcePhotograph(str(n), 0, "", read) for n in range(16)), remote=True)
    assert outcome["shard"]["examples"] == 16


def test_the_box_of_a_crop_of_a_crop():
    stored = io.BytesIO()
    Image.new("RGB", (50, 100)).save(stored, "PNG")  # cut out 100 wide and 200 high, stored at half of that
    assert compose((10, 20, 210, 120), (25, 0, 75, 50), stored.getvalue()) == (60, 20, 160, 120)
