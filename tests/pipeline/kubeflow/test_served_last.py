import pytest

from zfnet.components.pusher import DIGEST, EXAMPLES_DIGEST
from zfnet.pipeline.kubeflow.served_last import served_last


@pytest.fixture
def serve(tmp_path):
    """Writes a version of the serving directory, as far as it says what it is."""

    def write(version: str, model: str, examples: str = "cats", evaluation: bool = True) -> None:
        directory = tmp_path / "serving" / version
        (directory / "assets.extra").mkdir(parents=True)
        (directory / DIGEST).write_text(model)
        (directory / EXAMPLES_DIGEST).write_text(examples)
        if evaluation:
            (directory / "assets.extra/evaluation.json").write_text(f'"{model}"')

    return write


@pytest.fixture
def compared_with(tmp_path):
    def find(model: str, examples: str = "cats") -> str | None:
        found = served_last(tmp_path, examples, model)
        return found and found.read_json("evaluation.json")

    return find


def test_first_model_is_compared_with_none(compared_with):
    assert compared_with("new") is None


def test_highest_version_of_another_model_counts(serve, compared_with):
    serve("9", "nine")
    serve("10", "ten")
    serve("11.partial", "half")
    assert compared_with("new") == "ten"
    assert compared_with("ten") == "nine"


def test_other_data_does_not_count(serve, compared_with):
    serve("1", "one")
    serve("2", "two", examples="dogs")
    assert compared_with("new") == "one"
    assert compared_with("new", examples="birds") is None


def test_version_without_an_evaluation_does_not_count(serve, compared_with, tmp_path):
    serve("1", "one")
    serve("2", "two", evaluation=False)
    (tmp_path / "serving/3").mkdir()
    assert compared_with("new") == "one"
