import pathlib
import re

import numpy as np
import pytest
from PIL import Image

PAGE = pathlib.Path(__file__).resolve().parents[4] / "docs" / "watching.md"


@pytest.mark.filterwarnings("ignore:.*shuffle=True:UserWarning")
def test_lines_of_the_page_run(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photographs").symlink_to(folder)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    pictures = sorted((tmp_path / "logs").glob("evolution_*.png"))
    assert [path.name for path in pictures] == ["evolution_edges.png", "evolution_parts.png"]
    for path, drawn in zip(pictures, names["watch"].figure().pictures.values(), strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), drawn)
