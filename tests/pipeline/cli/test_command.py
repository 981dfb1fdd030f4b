import logging
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from zfnet.pipeline.cli.command import Command, configure_libraries

PROGRAM = """
import logging, os, sys, warnings
import click
from zfnet.pipeline.cli.command import Command

@click.command(cls=Command)
def main():
    print(os.environ.get("TF_CPP_MIN_LOG_LEVEL"))
    logging.getLogger("absl").error("log of a library")
    os.write(2, b"log of compiled code\\n")
    print("progress", file=sys.stderr)
    warnings.warn("warning of a library")
    raise {error}

main()
"""
READS_PATHS = """
import click
from etils import epath
from zfnet.pipeline.cli.command import Command

@click.command(cls=Command)
@click.option("--root", default=".", callback=lambda context, parameter, value: epath.Path(value).exists())
def main(root):
    print(type(epath.Path("gs://bucket/name")._backend).__name__)

main()
"""


def run(error: str, *arguments: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", PROGRAM.format(error=error), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_what_a_user_can_mend_is_one_line():
    done = run("ValueError('An empty\\nfolder.')")
    assert (done.returncode, done.stdout, done.stderr) == (1, "3\n", "progress\nError: An empty folder.\n")


def test_bug_is_one_line_that_says_how_to_see_more():
    done = run("KeyError('conv9')")
    assert (done.returncode, done.stderr) == (1, "progress\nError: KeyError: 'conv9' (--verbose shows the traceback.)\n")


def test_interrupt_says_how_to_go_on():
    done = run("KeyboardInterrupt")
    assert (done.returncode, done.stderr.splitlines()[1]) == (
        1,
        "Error: Interrupted. Run the same command again to continue.",
    )


@pytest.mark.parametrize("error", ["KeyError('conv9')", "ValueError('conv9')"])
def test_verbose_shows_everything(error):
    done = run(error, "--verbose")
    assert (done.returncode, done.stdout) == (1, "None\n")
    for said in ("log of a library", "log of compiled code", "warning of a library", "Traceback", "Error: "):
        assert said in done.stderr


def test_exit_code_and_usage_error_pass():
    @click.command(cls=Command)
    @click.argument("what")
    def command(what: str) -> None:
        if what == "exit":
            click.get_current_context().exit(3)
        raise click.UsageError("wrong")

    before = logging.root.manager.disable
    assert CliRunner().invoke(command, ["exit", "--verbose"]).exit_code == 3
    assert CliRunner().invoke(command, ["usage", "--verbose"]).exit_code == 2
    assert logging.root.manager.disable == before


def test_paths_among_the_arguments_do_not_choose_tensorflow_for_cloud_storage():
    environment = {name: value for name, value in os.environ.items() if name != "EPATH_USE_TF"}
    done = subprocess.run([sys.executable, "-c", READS_PATHS], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("_FileSystemSpecBackend\n", "")


def test_what_the_user_set_stays(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("EPATH_USE_TF", "")  # so that it is put back
    monkeypatch.delenv("EPATH_USE_TF")
    configure_libraries()
    assert (os.environ["TF_ENABLE_ONEDNN_OPTS"], os.environ["EPATH_USE_TF"]) == ("0", "false")
