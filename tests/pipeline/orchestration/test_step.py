import pytest

from zfnet.components.artifacts import Evaluation, Examples, Input, Model, Output, Setting, Statistics
from zfnet.pipeline.orchestration.step import ExecutionPlan, Step, declared_arguments, snake_case


def prepare(examples: Output[Examples], *, count: int, share: float = 0.5, runner: Setting[str] = "here") -> None: ...


def evaluate(examples: Input[Examples], baseline: Input[Evaluation | None], evaluation: Output[Evaluation], *, tries: int = 1) -> None: ...


def prepare_step(**changes) -> Step:
    return Step("Prepare", prepare, {"count": 3, **changes})


class Fingerprinted:
    def fingerprint(self) -> str:
        return "same"


def test_signature_is_read():
    declared = declared_arguments(evaluate)
    assert [(name, argument.kind, argument.type, argument.optional) for name, argument in declared.items()] == [
        ("examples", "input", Examples, False),
        ("baseline", "input", Evaluation, True),
        ("evaluation", "output", Evaluation, False),
        ("tries", "parameter", None, False),
    ]


def test_values_include_defaults():
    step = prepare_step(runner="there")
    assert step.values("parameter") == {"count": 3, "share": 0.5}
    assert step.values("setting") == {"runner": "there"}
    assert step.output_types == {"examples": Examples}


def test_steps_are_joined():
    step = Step("Evaluate", evaluate, {"examples": prepare_step().output("examples"), "baseline": None})
    assert str(step.values("input")["examples"]) == "Prepare.examples"
    assert step.output("evaluation").type is Evaluation


def test_anything_may_be_a_setting_and_what_has_a_fingerprint_a_parameter():
    assert prepare_step(runner=Evaluation("there"), count=Fingerprinted()).values("setting")["runner"].path.name == "there"


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (prepare, {"count": 3, "epohcs": 2}, "Step Broken: prepare.. takes no argument 'epohcs'; it takes count, share, runner"),
        (prepare, {}, "Step Broken: no value given for count of prepare"),
        (prepare, {"count": 3, "examples": "here"}, "takes no argument 'examples'"),
        (prepare, {"count": {1, 2}}, "argument 'count': a parameter takes what JSON can hold .* not {1, 2}"),
        (prepare, {"count": float("nan")}, "argument 'count'"),
        (prepare, {"count": prepare_step().output("examples")}, "Prepare.examples was given for a parameter"),
        (prepare, {"count": 3, "runner": prepare_step().output("examples")}, "Prepare.examples was given for a setting"),
        (evaluate, {"examples": None, "baseline": None}, "argument 'examples': an input takes the output of an earlier step, not None"),
        (evaluate, {"examples": "a/path", "baseline": None}, "argument 'examples': .* not 'a/path'"),
        (evaluate, {"baseline": None}, "no value given for examples"),
        (
            evaluate,
            {"examples": prepare_step().output("examples"), "baseline": prepare_step().output("examples")},
            "argument 'baseline': expected Evaluation, but Prepare.examples is Examples",
        ),
    ],
)
def test_mistake_is_named(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        Step("Broken", function, arguments)


def test_unknown_output_is_named():
    with pytest.raises(ValueError, match="Step Prepare has no output 'model'; it has examples"):
        prepare_step().output("model")


def test_input_must_be_one_artifact():
    def confused(model: Input[Model | Examples]) -> None: ...

    with pytest.raises(ValueError, match=r"confused.*model is an input"):
        Step("Confused", confused, {})


def test_words_are_told_apart_by_their_capitals():
    assert [snake_case(name) for name in ("ExampleGen", "Trainer")] == ["example_gen", "trainer"]


class Photographs:
    def __init__(self, digest: str, place: str = "here"):
        self.digest, self.place = digest, place

    def fingerprint(self) -> str:
        return self.digest


def generate(examples: Output[Examples], *, source: Photographs, size: int = 96, workers: Setting[int] = 1) -> None: ...


def count(examples: Input[Examples], statistics: Output[Statistics], *, log: Setting[str]) -> None: ...


def key(name="Prepare", function=generate, without=(), **arguments) -> str:
    return ExecutionPlan(Step(name, function, {"source": Photographs("a"), **arguments}), {}, {}, {}).key(without)


def test_key_is_of_what_determines_the_result():
    assert key() == key(size=96) == key(workers=8) == key(source=Photographs("a", place="there"))
    assert len({key(), key(size=128), key(source=Photographs("b")), key(name="PrepareAgain")}) == 4


def test_key_is_of_the_contents_of_inputs():
    step = Step("Count", count, {"examples": Step("Prepare", generate, {"source": Photographs("a")}).output("examples"), "log": ""})
    keys = [
        ExecutionPlan(step, {"examples": Examples(path)}, {"examples": digest}, {}).key()
        for path, digest in (("x", "1"), ("y", "1"), ("x", "2"))
    ]
    assert keys[0] == keys[1] != keys[2]


def test_family_of_executions_that_differ_in_one_parameter():
    assert key(without=("size",)) == key(without=("size",), size=128)
    assert key(without=("size",)) != key(without=("size",), source=Photographs("b"))


def test_setting_given_as_function_is_called_with_the_plan():
    plan = ExecutionPlan(Step("Prepare", generate, {"source": Photographs("a"), "workers": lambda plan: len(plan.key())}), {}, {}, {})
    assert plan.settings() == {"workers": 64}
    assert plan.key() == key()


def test_execution_calls_the_step_with_everything_it_takes(tmp_path):
    def copy(examples: Input[Examples], statistics: Output[Statistics], *, size: int = 3, log: Setting[str]) -> None:
        (statistics.path / "copy").write_text(f"{(examples.path / 'original').read_text()} {size} {log}")

    (tmp_path / "original").write_text("cat")
    step = Step(
        "Copy", copy, {"examples": Step("Prepare", generate, {"source": Photographs("a")}).output("examples"), "log": lambda plan: "l"}
    )
    ExecutionPlan(step, {"examples": Examples(tmp_path)}, {"examples": "1"}, {}).execute({"statistics": Statistics(tmp_path)})
    assert (tmp_path / "copy").read_text() == "cat 3 l"
