import json
import pathlib

import pytest

from zfnet.components.artifacts import Artifact, Examples
from zfnet.pipeline.orchestration.lineage import execution_record, read_lineage, read_runs
from zfnet.pipeline.orchestration.metadata import Execution, open_recorded


def lineage(root: pathlib.Path, which: str | None = None, metadata_url: str | None = None) -> dict:
    return read_lineage(root, which, metadata_url)


def executions(record: dict) -> dict[str, dict]:
    """Every execution in a lineage by the directory that it wrote."""
    found = {record["directory"]: record}
    for artifact in record["inputs"].values():
        found |= executions(artifact["made_by"])
    return found


def test_way_back_to_the_data(tmp_path, run_tiny):
    run_tiny(tmp_path)
    pusher = lineage(tmp_path)
    assert (pusher["version"], pusher["directory"]) == (1, "pusher/5")
    assert list(pusher["inputs"]) == ["examples", "model", "evaluation"]
    trainer = pusher["inputs"]["model"]["made_by"]
    assert trainer["parameters"] == {"epochs": 3, "rate": 0.01}
    assert trainer["seconds"] > 0
    assert trainer["started"].startswith("20")
    assert trainer["versions"]["tensorflow"].startswith("2.")
    assert len(trainer["code_version"]) == 64
    example_gen = trainer["inputs"]["statistics"]["made_by"]["inputs"]["examples"]["made_by"]
    assert example_gen["parameters"] == {"source": "birds", "image_size": 56}
    assert example_gen["fingerprints"] == {"source": f"folder:{'a' * 64}"}
    assert example_gen["inputs"] == {}
    assert pusher["inputs"]["evaluation"]["properties"] == {"top1_error": 0.25, "blessed": True, "reason": "error 0.25"}
    assert set(executions(pusher)) == {"example_gen/1", "statistics_gen/2", "trainer/3", "evaluator/4", "pusher/5"}


def test_digests_lead_the_same_way(tmp_path, run_tiny):
    for changes in ({}, {"epochs": 5}, {"version": "b" * 64}, {"version": "b" * 64, "epochs": 9}):
        run_tiny(tmp_path, **changes)
    # Without the walk: who made an artifact is told by its digest, in what `zfnet runs --json` says, and the files are hashed again.
    made = {}
    for run in read_runs(tmp_path):
        for execution in run["executions"]:
            for output in execution["outputs"].values():
                kind = Examples if output["kind"] == "Examples" else Artifact
                assert kind(tmp_path / output["path"]).digest() == output["digest"]
                made[output["digest"]] = execution
    for version in ("1", "2", "3", "4"):
        [pusher] = [
            execution
            for execution in made.values()
            if execution["outputs"].get("serving", {}).get("properties") == {"version": int(version)}
        ]
        waiting, reached = [pusher], {}
        while waiting:
            execution = waiting.pop()
            reached[execution["directory"]] = execution
            waiting += [made[artifact["digest"]] for artifact in execution["inputs"].values()]
        walked = executions(lineage(tmp_path, version))
        assert walked.keys() == reached.keys()
        assert all(walked[name]["outputs"] == execution["outputs"] for name, execution in reached.items())
    assert {name.split("/")[0]: name for name in walked} == {
        "pusher": "pusher/16",
        "evaluator": "evaluator/15",
        "trainer": "trainer/14",
        "statistics_gen": "statistics_gen/10",
        "example_gen": "example_gen/9",
    }


def test_versions(tmp_path, run_tiny):
    run_tiny(tmp_path)
    run_tiny(tmp_path, epochs=5)
    run_tiny(tmp_path, epochs=5, error=0.1)  # the same model, evaluated anew: it keeps its version
    run_tiny(tmp_path, epochs=7, error=0.9)  # not blessed
    assert lineage(tmp_path, "1")["directory"] == "pusher/5"
    assert lineage(tmp_path, "2")["directory"] == lineage(tmp_path)["directory"] == "pusher/10"
    with pytest.raises(ValueError, match="There is no pushed version 3; expected one of 1, 2, or"):
        lineage(tmp_path, "3")
    with pytest.raises(ValueError, match="There is no pushed version two"):
        lineage(tmp_path, "two")


def test_any_execution(tmp_path, run_tiny):
    run_tiny(tmp_path, error=0.9)
    found = lineage(tmp_path, "trainer/3/")
    assert (found["version"], found["step"], list(executions(found))) == (
        None,
        "Trainer",
        ["trainer/3", "example_gen/1", "statistics_gen/2"],
    )
    with pytest.raises(ValueError, match=r"There is no execution evaluator/3; expected STEP/NUMBER .*, such as pusher/5, the latest"):
        lineage(tmp_path, "evaluator/3")
    with pytest.raises(ValueError, match=r"No model was pushed under .* use --lineage trainer/NUMBER"):
        lineage(tmp_path)


def test_roots_in_one_database_have_their_own_versions(tmp_path, run_tiny):
    url = f"sqlite:///{tmp_path}/runs.sqlite"
    run_tiny(tmp_path / "one", metadata_url=url)
    run_tiny(tmp_path / "two", version="b" * 64, metadata_url=url)
    one, two = (lineage(tmp_path / name, metadata_url=url) for name in ("one", "two"))
    assert one["inputs"]["examples"]["made_by"]["fingerprints"] == {"source": f"folder:{'a' * 64}"}
    assert two["inputs"]["examples"]["made_by"]["fingerprints"] == {"source": f"folder:{'b' * 64}"}
    with pytest.raises(ValueError, match="There is no execution trainer/3"):
        lineage(tmp_path / "two", "trainer/3", url)


def test_everything_recorded_is_told(tmp_path, run_tiny):
    run_tiny(tmp_path)
    with open_recorded(tmp_path) as session:
        trainer = session.executions(step="Trainer").one()
        record = execution_record(trainer)
        untold = {column.name for column in Execution.__table__.columns} - record.keys()
    assert untold == {"id", "root", "key"}
    assert record["directory"] == "trainer/3"
    assert {name: artifact["path"] for name, artifact in record["inputs"].items()} == {
        "examples": "example_gen/1/examples",
        "statistics": "statistics_gen/2/statistics",
    }
    assert (record["outputs"]["model"]["kind"], record["outputs"]["model"]["path"]) == ("Model", "trainer/3/model")
    assert json.loads(json.dumps(record)) == record
