"""The named configurations, and the choices that a user makes instead of theirs."""

import importlib
import pkgutil
from typing import Any

import click

from zfnet.pipeline import configs
from zfnet.pipeline.run_config import RunConfig


def choose(config_name: str | None, choices: dict[str, Any], local: bool = False) -> RunConfig:
    """The named configuration, shrunk if `local`, with other choices instead of its own; those that are None were not made.

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
    return sorted(module.name for module in pkgutil.iter_modules(configs.__path__))


def load_config(name: str, local: bool = False) -> RunConfig:
    """The configuration `name`.

    Args:
        name: name of a module of `zfnet.pipeline.configs`.
        local: whether to shrink it to what a laptop does in a minute.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in config_names():
        raise ValueError(f"There is no configuration {name!r}; there are {', '.join(config_names())}.")
    return importlib.import_module(f"zfnet.pipeline.configs.{name}").get_config(local)
