import pytest

from zfnet.components.data.published_counts import published_counts


@pytest.mark.parametrize(
    ("name", "config", "train"),
    [("imagenet2012", None, 1_281_167), ("imagenette", "320px-v2", 9_469), ("imagenette", "320px", None), ("plain_colours", "three", None)],
)
def test_known_data_sets(name, config, train):
    known = published_counts(name, config)
    assert (known and known["train"]) == train
