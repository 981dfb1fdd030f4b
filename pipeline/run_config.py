"""Everything that a user can choose about a run, and the named configurations of `pipeline/configs/`."""

import dataclasses
import importlib
import pathlib
from typing import Any

import click

from zfnet.components.evaluation.threshold import TEN_CROP, Threshold
from zfnet.components.training.recipe import Recipe, choice
from zfnet.model.net.variation import find_architecture

CONFIGS = pathlib.Path(__file__).with_name("configs")


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Choices for `zfnet run`: how to train, and everything else."""

    data: str = choice(
        "",
        "Training data: photo_patches, a TFDS name, a folder (train/CLASS/* and validation/CLASS/*, or CLASS/*), a .csv file of paths and "
        "labels, or a directory that `zfnet examples` wrote.",
    )
    recipe: Recipe = dataclasses.field(default_factory=Recipe)
    start_from: str | None = choice(
        None,
        "Start from the weights of a trained network: a directory that `zfnet run` wrote, a .keras or .h5 file, or a net by name. A layer "
        "takes the weights of the layer that has the same name and shapes; the classifier is always new.",
        unset="random weights",
        metavar="MODEL",
    )
    image_size: int | None = choice(
        None, "Side of the network's input, in pixels.", unset="96 for the small architectures, else 224", least=1
    )
    ten_crop: bool = choice(False, "Also evaluate the average over the paper's ten crops.")
    checkpoint_minutes: float = choice(
        10, "Minutes between checkpoints within an epoch; 0 writes one after every step. Every epoch ends with a checkpoint.", least=0
    )
    keep_checkpoints: bool = choice(
        False,
        "Also keep the checkpoints of the epochs that `zfnet evolution` draws (1, 2, 5, 10, ...), not only the last two and the best. Each "
        "is twice as large as the weights.",
    )
    maps_per_layer: int = choice(9, "Number of feature maps to draw per layer.", option=False)
    check_seconds: float = choice(
        600, "Seconds that the check of the exported model may take. Above it, the run fails and the model is not served.", least=1
    )
    bless: tuple[str, ...] = choice((), "Conditions that the model must meet to be served, such as top1_error<0.2.", option=False)
    slice_by: str | None = choice(None, "Column of the table of the images, for each of whose values errors are measured.", option=False)
    push_anyway: str | None = choice(None, "Reason to serve a model that is not good enough.", option=False)
    max_rejected: float = choice(0.1, "Largest accepted share of unreadable images, 0 to 1. Above it, the run fails.", least=0, most=1)

    def with_choices(self, **choices: Any) -> "RunConfig":
        """This configuration with other choices, by name, whether they are of its recipe or not."""
        of_recipe = {name: choices.pop(name) for name in choices.keys() & Recipe.__dataclass_fields__.keys()}
        return dataclasses.replace(self, recipe=dataclasses.replace(self.recipe, **of_recipe), **choices)

    @property
    def input_size(self) -> int:
        """Side of the network's input, in pixels."""
        return self.image_size or find_architecture(self.recipe.architecture).input_size

    def check_together(self) -> None:
        """Fails if one choice needs another.

        Raises:
            click.UsageError: layers are frozen without a start, or a condition is about ten crops that are not evaluated.
        """
        if self.recipe.freeze is not None and not self.start_from:
            raise click.UsageError("--freeze needs --start-from: without it, the frozen layers would keep random weights.")
        crops = [condition for condition in self.bless if Threshold.parse(condition).number.endswith(TEN_CROP)]
        if crops and not self.ten_crop:
            raise click.UsageError(f"--bless {crops[0]!r} needs --ten-crop.")

    def check_image_size(self) -> None:
        """Fails if images of the size `input_size` are too small for the architecture, or if there is no architecture of that name.

        Raises:
            ValueError: the message names the layer that is short of positions, or the architectures there are.
        """
        size, name = self.input_size, self.recipe.architecture
        architecture = find_architecture(name)
        try:
            architecture.check_size(size, size)
        except ValueError as error:
            raise ValueError(f"Images of {size} x {size} pixels are too small for {name}: {error}") from error


def choose(config_name: str | None, choices: dict[str, Any], local: bool = False) -> RunConfig:
    """The named configuration, or its reduced form if `local`, with the choices that are not None instead of its own.

    Raises:
        click.UsageError: neither says which data to use.
    """
    if config_name is None:
        config_name = "photo_patches" if choices.get("data") in (None, "photo_patches") else "folder"
    config = load_config(config_name, local).with_choices(**{name: value for name, value in choices.items() if value is not None})
    if not config.data:
        raise click.UsageError(f"The configuration {config_name} needs --data.")
    return config


def config_names() -> list[str]:
    """Names of the configurations: the modules of `zfnet.pipeline.configs`."""
    return sorted(file.stem for file in CONFIGS.glob("[!_]*.py"))


def load_config(name: str, local: bool = False) -> RunConfig:
    """The configuration `name`; if `local`, reduced to about a minute on a laptop.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in config_names():
        raise ValueError(f"There is no configuration {name!r}; there are {', '.join(config_names())}.")
    return importlib.import_module(f"zfnet.pipeline.configs.{name}").get_config(local)
