"""The Python code of docs/elsewhere.md runs; `test_docs_commands.py` runs its commands."""

import pathlib
import re

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.pipeline.cli.main import main

START, *SECTIONS = re.split(r"^### ", (pathlib.Path(__file__).resolve().parents[1] / "docs" / "elsewhere.md").read_text(), flags=re.M)


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def title(section):
    return section.partition("\n")[0]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the blocks of a section in an empty directory, after the lines that all sections start from."""
    monkeypatch.chdir(tmp_path)

    def run(section):
        names = {}
        keras.utils.set_random_seed(0)
        for code in [*blocks(START, "python"), *blocks(section, "python")]:
            exec(compile(code, "elsewhere.md", "exec"), names)

    return run


@pytest.mark.parametrize("section", SECTIONS, ids=title)
def test_every_section_names_its_discussion_and_shows_code(section):
    met = section.partition("*Met at*")[2].partition("\n\n")[0]
    assert re.findall(r"\]\(https://github.com/[\w.-]+/[\w.-]+/(?:issues|pull)/\d+\)", met)
    assert blocks(section, r"(?:python)?")


@pytest.mark.parametrize("section", [section for section in SECTIONS if blocks(section, "python") and not blocks(section, "")], ids=title)
def test_code_runs(section, run):
    assert "assert" in section
    run(section)


def test_keras_refuses_inner_layers_as_the_page_says():
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="low")])
    outer = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255), inner])
    with pytest.raises(ValueError, match="is not connected to `inputs`"):
        keras.Model(outer.inputs, inner.get_layer("low").output)


def test_damaged_files_are_listed(run, tmp_path, capsys):
    (section,) = (section for section in SECTIONS if title(section).startswith("Damaged files"))
    for name in ("cat", "dog"):
        (tmp_path / "FOLDER" / name).mkdir(parents=True)
        for number in range(8):
            pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "FOLDER" / name / f"{number}.png")
    damaged = tmp_path / "FOLDER" / "cat" / "7.png"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    ((command,),) = (block.splitlines() for block in blocks(section, ""))
    done = CliRunner().invoke(main, command.removeprefix("zfnet ").split())
    assert done.exit_code == 0, done.output
    capsys.readouterr()
    run(section)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("cat/7.png ")
