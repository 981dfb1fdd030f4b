import dataclasses
import json
import threading
import time

import pytest

from zfnet.components.training.cluster.lead import CALL, FAILURE, follow, lead
from zfnet.components.training.cluster.member import Call
from zfnet.components.training.recipe import Recipe


@pytest.fixture
def call(examples, statistics, tmp_path):
    """A call whose recipe no member can follow."""
    recipe = dataclasses.asdict(Recipe(epochs=1, batch_size=8, learning_rate=0.01)) | {"crops": "all"}
    folder = tmp_path / "trainer" / "checkpoints-0"
    return Call(recipe, str(examples.path), str(statistics.path), str(tmp_path / "model"), str(folder), str(tmp_path / "logs"), 600.0)


def test_chief_tells_why_the_training_failed_and_leaves_no_call(call, tmp_path):
    other = tmp_path / "trainer" / "checkpoints-1"
    other.mkdir(parents=True)
    (other / CALL).write_text("{}")
    with pytest.raises(ValueError, match="crops is 'all'"):
        lead(call)
    assert not list(tmp_path.rglob(CALL))


def test_a_failure_elsewhere_is_told_by_the_chief(call, tmp_path, monkeypatch, free_port):
    # The chief waits for another machine, which reports that it can't train.
    cluster = {"worker": [f"127.0.0.1:{free_port()}" for _ in range(2)]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}))
    call = dataclasses.replace(call, recipe=call.recipe | {"crops": "ten"})
    monkeypatch.setattr("zfnet.components.training.cluster.lead.GRACE", 0)
    folder = tmp_path / "trainer" / "checkpoints-0"

    def report():
        while not (folder / CALL).exists():
            time.sleep(0.1)
        (folder / FAILURE).write_text("Machine 2 of 2: no examples")

    reporter = threading.Thread(target=report)
    reporter.start()
    with pytest.raises(ValueError, match="Machine 2 of 2: no examples"):
        lead(call)
    reporter.join()


def test_a_follower_reports_its_failure(call, tmp_path):
    folder = tmp_path / "trainer" / "checkpoints-0"
    folder.mkdir(parents=True)
    (folder / CALL).write_text(json.dumps(dataclasses.asdict(call)))
    with pytest.raises(ValueError, match="crops is 'all'"):
        follow(tmp_path / "trainer", "Machine 2 of 2", lambda: False)
    assert (folder / FAILURE).read_text().startswith("Machine 2 of 2: crops is 'all'")


def test_a_follower_leaves_when_the_run_ended(tmp_path):
    follow(tmp_path, "Machine 2 of 2", lambda: True)
