import json

import pytest

from zfnet.components.training.cluster_task import Task, read_task


def described(cluster, role, index):
    return json.dumps({"cluster": cluster, "task": {"type": role, "index": index}})


@pytest.mark.parametrize(
    ("config", "task"),
    [
        ("", None),
        ("{}", None),
        (described({"worker": ["a:1", "b:1"]}, "worker", 0), Task(0, 2)),
        (described({"worker": ["a:1", "b:1"]}, "worker", 1), Task(1, 2)),
        (described({"chief": ["a:1"], "worker": ["b:1", "c:1"]}, "chief", 0), Task(0, 3)),
        (described({"chief": ["a:1"], "worker": ["b:1", "c:1"]}, "worker", "0"), Task(1, 3)),
        (described({"worker": ["a:1"]}, "worker", 0), Task(0, 1)),
        (described({"chief": ["a:1"], "worker": ["b:1"], "ps": []}, "worker", 0), Task(1, 2)),
    ],
)
def test_the_place_in_a_cluster(monkeypatch, config, task):
    monkeypatch.setenv("TF_CONFIG", config)
    assert read_task() == task
    assert task is None or task.chief == (task.index == 0)


def test_without_the_variable_there_is_no_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert read_task() is None


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        described({"worker": ["a:1"]}, "worker", 1),
        described({"worker": ["a:1"], "ps": ["b:1"]}, "ps", 0),
        described({"chief": ["a:1"], "ps": ["b:1"]}, "chief", 0),
        described({"chief": ["a:1"], "ps": ["b:1"]}, "ps", 0),
        described({"chief": ["a:1"], "worker": ["b:1"], "ps": ["c:1"]}, "worker", 0),
        described({"worker": ["a:1"]}, "evaluator", 0),
        '{"cluster": {"worker": ["a"]}}',
    ],
)
def test_what_makes_no_sense_is_named(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(
        ValueError, match=r"TF_CONFIG is .*; expected JSON.* the roles chief and worker alone, without parameter servers \(ps\)"
    ):
        read_task()
