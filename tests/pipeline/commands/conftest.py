"""Photographs for the tests of whole commands."""

import numpy as np
import pytest
from PIL import Image

COLOURS = {"blue": (40, 60, 200), "green": (50, 180, 60), "red": (210, 50, 40)}


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """Non-square photographs, 30 of each of three classes that a net can tell apart by colour."""
    root = tmp_path_factory.mktemp("photographs")
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for number in range(30):
            noise = np.random.default_rng([number, *colour]).normal(scale=40, size=(70 + number, 90, 3))
            Image.fromarray(np.clip(noise + colour, 0, 255).astype(np.uint8)).save(root / name / f"{number}.png")
    return root
