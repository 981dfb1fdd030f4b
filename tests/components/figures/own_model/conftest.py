"""A small net whose first filters are known, and images of its size."""

import numpy as np
import pytest

from zfnet.components.data.batches import central_crops


@pytest.fixture(scope="module")
def images(examples):
    return np.concatenate([images for images, _, _ in central_crops(examples, "validation", size=56, batch_size=7)])[:, 8:48]


@pytest.fixture(scope="module")
def model(gratings_net):
    return gratings_net().model
