"""ZFNet's topology at half width, trained on patches of 15 photographs that are installed with it.

Command: zfnet run
Hardware: 2 CPU cores, no GPU
Time: 2 to 4.5 minutes; with --local about one
Expected error: top-1 about 20 %, top-5 about 2 % (chance: 93 %, 67 %); benchmarks/default_run.json has the last measurement.
"""

from zfnet.pipeline.run_config import Recipe, RunConfig


def get_config(local: bool = False) -> RunConfig:
    """Returns the configuration; if `local`, for two epochs at 64 pixels."""
    if local:
        recipe = Recipe(epochs=2, batch_size=64, patience=2, augmentation="strong")
        return RunConfig(data="photo_patches", recipe=recipe, image_size=64)
    recipe = Recipe(epochs=10, decay_epochs=10, batch_size=64, patience=2, augmentation="strong")
    return RunConfig(data="photo_patches", recipe=recipe)
