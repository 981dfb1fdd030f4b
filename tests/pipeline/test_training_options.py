import json

import click
from click.testing import CliRunner

from zfnet.pipeline.run_config import load_config
from zfnet.pipeline.training_options import batch_size_option, epochs_option, training_data_option, training_seed_option


@click.command()
@training_data_option
@epochs_option
@batch_size_option
@training_seed_option
def command(**choices):
    click.echo(json.dumps(choices))


def test_what_is_left_open_is_left_to_the_configuration():
    done = CliRunner().invoke(command, ["--epochs", "3"])
    assert json.loads(done.output) == {"data": None, "epochs": 3, "batch_size": None, "seed": None}


def test_help_tells_the_defaults_of_photo_patches():
    told = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    config = load_config("photo_patches")
    for default in (config.data, f"{config.epochs}, or by the number of examples", f"{config.batch_size}, or by the number", config.seed):
        assert f"[default: ({default}" in told
