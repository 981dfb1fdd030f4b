"""Small real artifacts for the tests of the steps: photographs of three classes, prepared, and a net trained on them."""

import pytest

from zfnet.components.artifacts import Evaluation, Examples, Model, Statistics

# The smallest size, in pixels, that leaves pool5 three positions.
SIZE = 56


@pytest.fixture(scope="session")
def examples(folder, shared, tmp_path_factory):
    """The photographs, prepared for 56 pixel inputs."""
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples

    def make(directory):
        source = open_source(str(folder), tmp_path_factory.mktemp("tfds"))
        options = {"image_size": SIZE, "num_shards": 2, "max_rejected": 0.0, "runner": "FnApiRunner", "beam_options": ()}
        generate_examples(Examples(directory), source=source, **options)

    return Examples(shared("examples", make))


@pytest.fixture(scope="session")
def statistics(examples, shared):
    """Their mean image and counts."""
    from zfnet.components.statistics_gen import generate_statistics

    def make(directory):
        generate_statistics(examples, Statistics(directory), runner="FnApiRunner", beam_options=())

    return Statistics(shared("statistics", make))


@pytest.fixture(scope="session")
def training(examples, statistics, shared):
    """A directory with a training of three epochs: `model`, `checkpoints`, `tensorboard`."""
    from zfnet.components.trainer import train

    def make(root):
        (root / "model").mkdir()
        train(
            examples,
            statistics,
            Model(root / "model"),
            architecture="zfnet-small",
            epochs=3,
            batch_size=8,
            learning_rate=0.01,
            patience=5,
            seed=0,
            crops="ten",
            augmentation="strong",
            deterministic=True,
            checkpoints=str(root / "checkpoints"),
            tensorboard=str(root / "tensorboard"),
        )

    return shared("training", make)


@pytest.fixture(scope="session")
def model(training):
    """The trained net."""
    return Model(training / "model")


@pytest.fixture(scope="session")
def evaluation(examples, statistics, shared):
    """Errors of a net of random weights over the validation examples, so that there are mistakes of every kind."""
    import zfnet
    from zfnet.components.evaluator import evaluate

    def make(root):
        for name in ("untrained", "evaluation"):
            (root / name).mkdir()
        zfnet.build("zfnet-small", (SIZE, SIZE, 3), 3, seed=1).save(root / "untrained" / "model.keras")
        made = Evaluation(root / "evaluation")
        evaluate(examples, statistics, Model(root / "untrained"), made, ten_crop=False, baseline=None)

    return Evaluation(shared("evaluation", make) / "evaluation")
