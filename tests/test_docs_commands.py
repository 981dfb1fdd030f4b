"""Every command in a block of the documentation is run, as it stands there, on photographs and a net that stand in for those it names."""

import pathlib
import re
import shlex
import shutil

import click
import pytest
from click.testing import CliRunner

from zfnet.pipeline.cli.main import main
from zfnet.pipeline.commands.run import NOT_BLESSED

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What makes them quick, behind what stands there. The run whose net most commands take learns enough to be served.
SMALL = ["--image-size", "64", "--epochs", "12", "--batch-size", "16"]
SMALLEST = ["--image-size", "64", "--epochs", "2", "--batch-size", "16"]
QUICK = {
    "methods": ["--steps", "3"],
    "run": SMALL,
    "compare": [*SMALLEST, "--data", "FOLDER"],
    "examples": SMALL[:2],
    "features": ["--per-class", "3", "--folds", "1"],
}
# What takes other machines, or never ends, and the tests that run the same on what stands in for those.
ELSEWHERE = {
    "gs://": "pipeline/runners/test_dataflow.py",
    "postgresql://": "pipeline/orchestration/test_metadata.py",
    "localhost:5000": "pipeline/runners/test_two_processes.py",
    "/shared/": "pipeline/commands/test_run_cluster.py",
    "imagenet2012": "pipeline/configs/test_imagenet2012.py",
    "imgclsmob:": "pipeline/cli/test_arguments.py",
    "keras:VGG16": "components/inputs/test_keras_net.py",
    "tensorboard": "pipeline/commands/test_tensorboard.py",
}


def commands(page):
    """Every call of `zfnet` in the blocks of code of a page, as words."""
    for _, language, block in re.findall(r"^( *)```(\w*)\n(.*?)^\1```", page.read_text(), re.DOTALL | re.MULTILINE):
        if language not in ("", "bash", "console"):
            continue
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if found := re.fullmatch(r"\s*(?:\w+=\S+ )*(?:\.venv/bin/)?zfnet (.*?)(?:\s+#.*)?", line):
                yield found[1].replace("[MODEL ...]", "MODEL")


COMMANDS = [(page.name, line) for page in PAGES for line in commands(page)]
HERE = [(page, line) for page, line in COMMANDS if not any(word in line for word in ELSEWHERE)]


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda text: text)
def test_it_is_understood(page, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name, *arguments = shlex.split(line)
    command = main.get_command(click.Context(main), name)
    assert command is not None, f"{page}: zfnet {name}"
    # Wrong options, numbers and choices end it with what is wrong.
    command.make_context(name, arguments, resilient_parsing=False)


def test_none_is_overlooked():
    for page in PAGES:
        lines = re.findall(r"^ *(?:\w+=\S+ )*(?:\.venv/bin/)?zfnet(?: [a-z]+)(?: .*)?$", page.read_text(), re.MULTILINE)
        prose = [line for line in lines if "`" in line]
        assert len(list(commands(page))) == len(lines) - len(prose), page.name
    for word, test in ELSEWHERE.items():
        assert any(word in line for _, line in COMMANDS)
        assert (ROOT / "tests" / test).exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_in_sentences_exist(page):
    for line in re.findall(r"`(?:\.venv/bin/)?zfnet ([a-z]+[^`]*)`", page.read_text()):
        name, *words = line.partition(" -- ")[0].split()
        command = main.get_command(click.Context(main), name)
        assert command is not None, line
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, line


@pytest.fixture(scope="module")
def home(folder, tmp_path_factory):
    """A directory in which a run, photographs and an image are found by all the names that the documentation gives them."""
    home = tmp_path_factory.mktemp("reader")
    shutil.copytree(folder, home / "FOLDER")
    # A page names a photograph of the default data (`NAME.jpg`) and its class (`--label NAME`, `top1_error[NAME]`). The default run's
    # measures choose some of them.
    names = re.compile(r"(\w+)\.jpg|error\[(\w+)\]")
    photographs = sorted({"".join(found) for _, line in COMMANDS for found in names.findall(line)})
    classes = sorted(path.name for path in (home / "FOLDER").iterdir())
    for old, new in zip(classes, photographs, strict=False):
        (home / "FOLDER" / old).rename(home / "FOLDER" / new)
    for name in ("DATA", "photographs"):
        (home / name).symlink_to("FOLDER")
    for name in photographs:
        (home / f"{name}.jpg").symlink_to(f"FOLDER/{name}/1.png")
    (home / "IMAGE").symlink_to(next((home / "FOLDER").glob("*/1.png")))
    rows = [
        f"{path.relative_to(home)},{path.parent.name},{('old', 'new')[number % 2]}" for number, path in enumerate(home.glob("FOLDER/*/*"))
    ]
    (home / "photographs.csv").write_text("\n".join(["path,label,camera", *rows]))
    for name in ("MODEL", "zfnet", "zfnet-1", "zfnet-2", "wide", "alexnet"):
        (home / name).symlink_to("zfnet_run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        done = CliRunner().invoke(main, ["run", "--data", "FOLDER", "--keep-checkpoints", *SMALL])
    assert done.exit_code == 0, done.output
    (home / "zfnet_run/serving/2").symlink_to("1")  # as after the second run of a page
    return home


@pytest.mark.parametrize(("page", "line"), HERE, ids=lambda text: text)
def test_it_does_what_it_says(page, line, home, monkeypatch):
    monkeypatch.chdir(home)
    name, *arguments = shlex.split(line)
    if "--out" in arguments:
        written = home / arguments[arguments.index("--out") + 1]
        shutil.rmtree(written, ignore_errors=True)
        written.unlink(missing_ok=True)
    trains = name == "run" and "--root" in arguments
    done = CliRunner().invoke(main, [name, *arguments, *(SMALLEST if trains else QUICK.get(name, []))])
    assert done.exit_code == 0 or (trains and done.exit_code == NOT_BLESSED), done.output
    if "--out" in arguments:
        assert written.is_file() or list(written.iterdir())
