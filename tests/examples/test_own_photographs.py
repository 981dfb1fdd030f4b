import json

import numpy as np
from click.testing import CliRunner
from PIL import Image


def run(script, *arguments) -> list[list[str]]:
    result = CliRunner().invoke(script.main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.output.splitlines()]


def test_the_worst_of_a_folder(example, folder, tmp_path, monkeypatch):
    script = example("own_photographs")
    declared = script.zfnet_pipeline
    # Its figures take as long as all the rest, and have tests of their own.
    monkeypatch.setattr(script, "zfnet_pipeline", lambda *choices: [step for step in declared(*choices) if step.name != "Visualizer"])
    lines = run(script, "--data", folder, "--root", tmp_path / "run", "--epochs", 1, "--out", tmp_path / "picture.png")
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    error, count = summary["metrics"]["top1_error"], summary["examples"]["validation"]
    assert f"{summary['status']}: error {error:.1%} top-1, of {count} photographs".split() in lines
    start = lines.index(["photograph", "taken", "for", "is"]) + 1
    rows = lines[start : lines.index(["as", "a", "picture:", str(tmp_path / "picture.png")])]
    # At most three of each of three classes, and those first to whose own class the net gives least.
    names = [words[-2] for words in rows]
    assert 1 <= len(rows) <= min(9, round(error * count))
    assert max(names.count(name) for name in names) <= 3
    assert all(words[1] != words[-2] for words in rows)
    probabilities = [int(words[-1].removesuffix("%")) for words in rows]
    assert probabilities == sorted(probabilities)
    picture = np.asarray(Image.open(tmp_path / "picture.png"))
    assert picture.shape == (12 + -(-len(rows) // 4) * (18 + 224 + 12), 12 + 4 * (224 + 12), 3)
    for place, (file, *_, name, _) in enumerate(rows):
        assert file.split("/")[-2] == name
        assert (folder / name / file.split("/")[-1]).is_file()
        top, left = (12 + number * (224 + 12) + extra for number, extra in zip(divmod(place, 4), (18, 0), strict=True))
        top += 18 * (place // 4)
        # The classes of this folder are colours.
        mean = picture[top : top + 224, left : left + 224].mean(axis=(0, 1))
        assert mean.argmax() == ["red", "green", "blue"].index(name)


def test_pieces_of_photographs_that_are_installed(example, tmp_path):
    script = example("own_photographs")
    script.write_pieces(tmp_path, 3)
    for split, count in (("train", 3), ("validation", 50)):
        assert sorted(path.name for path in (tmp_path / split).iterdir()) == sorted(script.CLASSES)
        files = list((tmp_path / split).rglob("*.jpg"))
        assert len(files) == count * len(script.CLASSES)
        for file in files:
            with Image.open(file) as piece:
                assert piece.width == piece.height >= 45
