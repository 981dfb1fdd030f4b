import dataclasses
import json
import sys

import click
import pytest
from click.testing import CliRunner
from etils import epath

from zfnet.pipeline.cli.command import command_line
from zfnet.pipeline.cli.options import choice_options, root_option
from zfnet.pipeline.run_config import Recipe, RunConfig, load_config


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run", "--data", "my birds"], "zfnet run --data 'my birds'"),
        (["run", "--metadata", "postgresql://me:se:cret@host/runs"], "zfnet run --metadata postgresql://me:***@host/runs"),
        (["runs", "--metadata=postgresql://me@host:5432/runs"], "zfnet runs --metadata=postgresql://me@host:5432/runs"),
        (["run", "--root", "gs://bucket/a@b:c"], "zfnet run --root gs://bucket/a@b:c"),
    ],
)
def test_recorded_command_line_holds_no_password(monkeypatch, words, line):
    monkeypatch.setattr(sys, "argv", ["zfnet", *words])
    assert command_line() == line


@click.command
@root_option
def tell(root):
    assert isinstance(root, epath.Path)
    click.echo(root)


def test_root(tmp_path):
    (tmp_path / "file").touch()
    assert CliRunner().invoke(tell).stdout == "zfnet_run\n"
    assert CliRunner().invoke(tell, ["--root", "gs://bucket/run"]).stdout == "gs://bucket/run\n"
    assert "is a file" in CliRunner().invoke(tell, ["--root", str(tmp_path / "file")]).stderr
    assert "expected a directory, or gs://bucket/name" in CliRunner().invoke(tell, ["--root", "ftp://host/run"]).stderr


@click.command()
@choice_options("data", "epochs", "batch_size", "seed")
def command(**choices):
    click.echo(json.dumps(choices))


def test_what_is_left_open_is_left_to_the_configuration():
    done = CliRunner().invoke(command, ["--epochs", "3"])
    assert json.loads(done.output) == {"data": None, "epochs": 3, "batch_size": None, "seed": None}


def test_help_tells_the_defaults_of_photo_patches():
    told = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    config = load_config("photo_patches")
    epochs, batch_size = (
        f"{number}; with --data it depends on the number of examples" for number in (config.recipe.epochs, config.recipe.batch_size)
    )
    for default in (config.data, epochs, batch_size, config.recipe.seed):
        assert f"[default: ({default}" in told


def test_every_choice_of_a_recipe_is_an_option_unless_it_says_otherwise():
    @click.command()
    @choice_options()
    def all_choices(**choices): ...

    fields = (*dataclasses.fields(Recipe), *dataclasses.fields(RunConfig))
    assert {option.name for option in all_choices.params} == {field.name for field in fields if field.metadata.get("option")}
    assert {"architecture", "decay_epochs", "image_size"} < {option.name for option in all_choices.params}


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--no-deterministic"], "deterministic", False),
        (["--no-xla"], "xla", False),
        (["--ten-crop"], "ten_crop", True),
        (["--checkpoint-minutes", "0.5"], "checkpoint_minutes", 0.5),
    ],
)
def test_options_by_the_type_of_a_choice(words, name, value):
    @click.command()
    @choice_options(name)
    def one(**choices):
        click.echo(json.dumps(choices))

    assert json.loads(CliRunner().invoke(one, words).output) == {name: value}
    assert json.loads(CliRunner().invoke(one).output) == {name: None}
