import pathlib
import subprocess
import sys
import sysconfig
import time

import click
import pytest

from zfnet.pipeline.cli.main import COMMANDS, WrongUsage, short_usage_errors

ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"


def zfnet(*arguments: str, cwd: pathlib.Path) -> subprocess.CompletedProcess:
    return subprocess.run([ZFNET, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_answers_at_once(tmp_path, arguments):
    for _ in range(3):  # The best of three: the machine may be busy with other things.
        start = time.monotonic()
        done = zfnet(*arguments, cwd=tmp_path)
        seconds = time.monotonic() - start
        if seconds < 1.5:
            break
    assert seconds < 1.5
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: zfnet {arguments[0].removeprefix('--help')}".rstrip())
    assert not list(tmp_path.iterdir())


def test_nothing_heavy_is_imported_for_help():
    program = """
import sys
from zfnet.pipeline.cli.main import COMMANDS, main
for name in COMMANDS:
    main([name, "--help"], standalone_mode=False)
heavy = {"tensorflow", "keras", "apache_beam", "tensorflow_datasets", "skimage", "sklearn", "matplotlib"}
heavy |= {"sqlalchemy", "numpy", "kfp", "rich"}
print(sorted(heavy & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum"], "No such command 'rum'. Did you mean 'run'?"),
        (["run", "--epohcs", "3"], "No such option '--epohcs'"),
        (["frobnicate"], "No such command 'frobnicate'."),
        (["run", "--epochs", "ten"], "'ten' is not a whole number"),
        (["run", "--epochs", "0"], "0 is not in the range x>=1"),
        (["run", "--seed", str(2**32 - 1)], "4294967295 is not in the range 0<=x<=4294967294"),
        (["run", "--config", "imagnet"], "'imagnet' is not one of"),
        (["run", "--config", "folder"], "folder needs --data"),
        (["run", "photographs"], "Unexpected argument 'photographs'"),
        (["examples", "photo_patches"], "Missing option '--out'"),
    ],
)
def test_wrong_usage(tmp_path, arguments, message):
    done = zfnet(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.endswith(" --help`.\n")
    assert done.stderr.count("\n") == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments", [["runs", "--root", "none"], ["tensorboard", "--root", "none"], ["run", "--root", "file/root"]], ids=" ".join
)
def test_failure_is_one_line(tmp_path, arguments):
    (tmp_path / "file").touch()
    done = zfnet(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_version(tmp_path):
    assert zfnet("--version", cwd=tmp_path).stdout.startswith("zfnet, version ")


def test_two_lines_and_the_same_exit_code():
    context = click.Context(click.Command("look"), info_name="look")
    with pytest.raises(WrongUsage) as caught, short_usage_errors():
        raise click.BadParameter("'x' is not a valid integer range.", context, param_hint="'--unit'")
    assert caught.value.format_message().splitlines() == [
        "Invalid value for '--unit': 'x' is not a whole number.",
        "See `look --help`.",
    ]
    assert caught.value.exit_code == click.UsageError.exit_code


def test_other_errors_pass():
    with pytest.raises(click.ClickException, match="broken"), short_usage_errors():
        raise click.ClickException("broken")
