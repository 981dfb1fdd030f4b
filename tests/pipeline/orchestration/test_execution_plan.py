from zfnet.components.artifacts import Examples, Input, Output, Setting, Statistics
from zfnet.pipeline.orchestration.execution_plan import ExecutionPlan
from zfnet.pipeline.orchestration.step import Step


class Photographs:
    def __init__(self, digest: str, place: str = "here"):
        self.digest, self.place = digest, place

    def fingerprint(self) -> str:
        return self.digest


def prepare(examples: Output[Examples], *, source: Photographs, size: int = 96, workers: Setting[int] = 1) -> None: ...


def count(examples: Input[Examples], statistics: Output[Statistics], *, log: Setting[str]) -> None: ...


def key(name="Prepare", function=prepare, without=(), **arguments) -> str:
    return ExecutionPlan(Step(name, function, {"source": Photographs("a"), **arguments}), {}, {}, {}).key(without)


def test_key_is_of_what_determines_the_result():
    assert key() == key(size=96) == key(workers=8) == key(source=Photographs("a", place="there"))
    assert len({key(), key(size=128), key(source=Photographs("b")), key(name="PrepareAgain")}) == 4


def test_key_is_of_the_contents_of_inputs():
    step = Step("Count", count, {"examples": Step("Prepare", prepare, {"source": Photographs("a")}).output("examples"), "log": ""})
    keys = [
        ExecutionPlan(step, {"examples": Examples(path)}, {"examples": digest}, {}).key()
        for path, digest in (("x", "1"), ("y", "1"), ("x", "2"))
    ]
    assert keys[0] == keys[1] != keys[2]


def test_family_of_executions_that_differ_in_one_parameter():
    assert key(without=("size",)) == key(without=("size",), size=128)
    assert key(without=("size",)) != key(without=("size",), source=Photographs("b"))


def test_setting_given_as_function_is_called_with_the_plan():
    plan = ExecutionPlan(Step("Prepare", prepare, {"source": Photographs("a"), "workers": lambda plan: len(plan.key())}), {}, {}, {})
    assert plan.settings() == {"workers": 64}
    assert plan.key() == key()


def test_execution_calls_the_step_with_everything_it_takes(tmp_path):
    def copy(examples: Input[Examples], statistics: Output[Statistics], *, size: int = 3, log: Setting[str]) -> None:
        (statistics.path / "copy").write_text(f"{(examples.path / 'original').read_text()} {size} {log}")

    (tmp_path / "original").write_text("cat")
    step = Step(
        "Copy", copy, {"examples": Step("Prepare", prepare, {"source": Photographs("a")}).output("examples"), "log": lambda plan: "l"}
    )
    ExecutionPlan(step, {"examples": Examples(tmp_path)}, {"examples": "1"}, {}).execute({"statistics": Statistics(tmp_path)})
    assert (tmp_path / "copy").read_text() == "cat 3 l"
