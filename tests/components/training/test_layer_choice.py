import pytest

from zfnet.components.training.layer_choice import chosen_layers, layer_factors
from zfnet.components.training.recipe import Recipe

NAMES = ["conv1", "conv2", "conv3", "fc6", "predictions"]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("conv2", ("conv2",)),
        ("fc6,conv1", ("conv1", "fc6")),
        ("conv1..conv3", ("conv1", "conv2", "conv3")),
        (" conv1 .. conv1 ", ("conv1",)),
    ],
)
def test_names_and_ranges(text, chosen):
    assert chosen_layers(text, NAMES) == chosen


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("conv9", "There is no layer 'conv9' with weights; there are conv1, conv2, conv3, fc6, predictions"),
        ("", "There is no layer ''"),
        ("conv1,", "There is no layer ''"),
        ("conv3..conv1", "conv1 is below conv3; expected conv1..conv3"),
        ("conv1..pool2", "There is no layer 'pool2'"),
    ],
)
def test_layers_that_are_not_there(text, error):
    with pytest.raises(ValueError, match=error):
        chosen_layers(text, NAMES)


def test_factors_of_layers():
    assert layer_factors("conv2..fc6=0.5,conv1=1e-2", NAMES) == {"conv2": 0.5, "conv3": 0.5, "fc6": 0.5, "conv1": 0.01}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("conv1", "'conv1' is no rate of a layer; expected LAYER=FACTOR, such as conv1=0.1"),
        ("conv1=slow", "'conv1=slow' is no rate of a layer"),
        ("conv1=0", "factor of conv1 is 0; it must be greater than 0"),
        ("conv1=nan", "factor of conv1 is nan"),
        ("conv1=inf", "factor of conv1 is inf"),
        ("conv9=1", "There is no layer 'conv9'"),
        ("conv1=1,conv1..conv2=2", "conv1 has two factors, 1 and 2"),
    ],
)
def test_factors_that_are_refused(text, error):
    with pytest.raises(ValueError, match=error):
        layer_factors(text, NAMES)


@pytest.mark.parametrize(
    ("choices", "error"),
    [
        ({"freeze": "conv6"}, "There is no layer 'conv6' with weights; there are conv1, .*, fc7, predictions"),
        ({"freeze": "conv3", "architecture": "zfnet-small:without=conv3"}, "There is no layer 'conv3'"),
        ({"freeze": "fc7..predictions"}, "predictions is the classifier, which is always new"),
        ({"freeze": "conv1..conv3", "layer_rate": "conv2..conv4=0.1"}, "conv2, conv3: in freeze and also in layer_rate"),
        ({"layer_rate": "conv1=-1"}, "factor of conv1 is -1"),
    ],
)
def test_recipe_checks_its_layers(choices, error):
    with pytest.raises(ValueError, match=error):
        Recipe(**choices).check()


def test_recipe_knows_the_layers_that_were_chosen():
    recipe = Recipe(freeze="conv1..conv2", layer_rate="predictions=10")
    recipe.check()
    assert (recipe.frozen, recipe.layer_factors) == (("conv1", "conv2"), {"predictions": 10.0})
    assert (Recipe().frozen, Recipe().layer_factors) == ((), {})
