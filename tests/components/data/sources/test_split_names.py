import pytest

from zfnet.components.data.sources.split_names import held_out_role, split_role


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *((name, "train") for name in ("train", "Train", "TRAINING", " train ")),
        *((name, "validation") for name in ("validation", "val", "Val", "valid")),
        *((name, "test") for name in ("test", "Testing")),
        *((name, None) for name in ("", "cats", "trains", "invalid", "test tube", "contest")),
    ],
)
def test_roles(name, role):
    assert split_role(name) == role


def test_validation_comes_before_test():
    assert held_out_role({"test", "train", "validation"}) == "validation"
    assert held_out_role({"test", "train"}) == "test"
    assert held_out_role({"train"}) is None
