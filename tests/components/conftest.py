"""Small real artifacts for the tests of the steps: photographs of three classes, prepared, and a net trained on them."""

import pytest

from zfnet.components.artifacts import Evaluation, Examples, Model, Statistics

# The smallest size, in pixels, that leaves pool5 three positions.
SIZE = 56


@pytest.fixture(scope="session")
def examples(folder, tmp_path_factory):
    """The photographs, prepared for 56 pixel inputs."""
    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.example_gen import generate_examples

    made = Examples(tmp_path_factory.mktemp("examples"))
    source = open_source(str(folder), tmp_path_factory.mktemp("tfds"))
    generate_examples(made, source=source, image_size=SIZE, num_shards=2, max_rejected=0.0, runner="FnApiRunner", beam_options=())
    return made


@pytest.fixture(scope="session")
def statistics(examples, tmp_path_factory):
    """Their mean image and counts."""
    from zfnet.components.statistics_gen import generate_statistics

    made = Statistics(tmp_path_factory.mktemp("statistics"))
    generate_statistics(examples, made, runner="FnApiRunner", beam_options=())
    return made


@pytest.fixture(scope="session")
def training(examples, statistics, tmp_path_factory):
    """A directory with a training of three epochs: `model`, `checkpoints`, `tensorboard`."""
    from zfnet.components.trainer import train

    root = tmp_path_factory.mktemp("training")
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
    return root


@pytest.fixture(scope="session")
def model(training):
    """The trained net."""
    return Model(training / "model")


@pytest.fixture(scope="session")
def evaluation(examples, statistics, tmp_path_factory):
    """Errors of a net of random weights over the validation examples, so that there are mistakes of every kind."""
    import zfnet
    from zfnet.components.evaluator import evaluate

    directory = tmp_path_factory.mktemp("untrained")
    zfnet.build("zfnet-small", (SIZE, SIZE, 3), 3, seed=1).save(directory / "model.keras")
    made = Evaluation(tmp_path_factory.mktemp("evaluation"))
    evaluate(examples, statistics, Model(directory), made, ten_crop=False, baseline=None)
    return made
