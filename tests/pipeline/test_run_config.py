import importlib
import re

import pytest

from zfnet.model.net.architecture import ARCHITECTURES
from zfnet.model.net.variation import find_architecture
from zfnet.pipeline.run_config import Recipe, RunConfig, config_names, load_config


@pytest.mark.parametrize("name", config_names())
def test_every_configuration_says_what_to_expect(name):
    told = importlib.import_module(f"zfnet.pipeline.configs.{name}").__doc__
    assert re.findall(r"^(\w[\w ]+): ", told, re.MULTILINE) == ["Command", "Hardware", "Time", "Expected error"]


@pytest.mark.parametrize("name", config_names())
def test_every_configuration_can_be_shrunk(name):
    whole, local = load_config(name), load_config(name, local=True)
    assert isinstance(whole, RunConfig)
    assert (local.recipe.architecture, local.input_size, local.recipe.epochs) == ("zfnet-small", 64, 2)
    assert local.data.split("@")[0] == whole.data


def test_unknown_configuration_lists_those_there_are():
    with pytest.raises(ValueError, match=r"no configuration 'imagnet'; there are caltech101, .*photo_patches"):
        load_config("imagnet")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_input_size_is_that_of_the_architecture(name):
    assert RunConfig(recipe=Recipe(architecture=name)).input_size == ARCHITECTURES[name].input_size


@pytest.mark.parametrize(
    "name",
    ["zfnet-small:conv1.kernel=11", "zfnet:without=fc7,conv1.stride=4", "zfnet:input_size=64", "zfnet-small:dropout=0,input_size=80"],
)
def test_input_size_is_that_of_the_variation(name):
    assert RunConfig(recipe=Recipe(architecture=name)).input_size == find_architecture(name).input_size
    assert RunConfig(recipe=Recipe(architecture=name), image_size=128).input_size == 128


def test_input_size_that_is_given():
    assert RunConfig(image_size=128).input_size == 128


def test_architectures_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match=r"no architecture 'resnet'. Choose one of: zfnet"):
        RunConfig(recipe=Recipe(architecture="resnet")).check_image_size()


def test_images_that_are_too_small_are_refused():
    RunConfig(recipe=Recipe(architecture="alexnet-small")).check_image_size()
    with pytest.raises(ValueError, match="Images of 48 x 48 pixels are too small for zfnet-small: pool5 needs 3 x 3 positions"):
        RunConfig(image_size=48).check_image_size()
