import pytest

from zfnet.model import ARCHITECTURES
from zfnet.pipeline.run_config import RunConfig, config_names, load_config


def test_every_configuration_loads():
    assert {"photo_patches", "folder"} <= set(config_names())
    for name in config_names():
        assert isinstance(load_config(name), RunConfig)


def test_unknown_configuration_lists_those_there_are():
    with pytest.raises(ValueError, match=r"no configuration 'imagnet'; there are folder.*photo_patches"):
        load_config("imagnet")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_input_size_is_that_of_the_architecture(name):
    assert RunConfig(None, architecture=name).input_size == ARCHITECTURES[name].input_size


def test_input_size_that_is_given():
    assert RunConfig(None, image_size=128).input_size == 128
