"""ZFNet's topology at half width, trained on Imagenette: ten classes of ImageNet, 9,469 photographs to train on and 3,925 to validate.

Command: zfnet run --config imagenette
Hardware: 2 CPU cores, no GPU; TFDS downloads 340 MB
Time: about half an hour, not run here; reckoned from 17 s an epoch of 3,750 patches; with --local about a minute
Expected error: not known, not run here (chance: 90 % top-1, 50 % top-5)
"""

from zfnet.pipeline.run_config import Recipe, RunConfig

DATA = "imagenette/320px-v2"


def get_config(local: bool = False) -> RunConfig:
    """Returns the configuration; if `local`, for two epochs at 64 pixels on a tenth of the images."""
    if local:
        return RunConfig(data=f"{DATA}@train[:10%],validation[:10%]", recipe=Recipe(epochs=2, batch_size=16), image_size=64)
    return RunConfig(data=DATA, recipe=Recipe(epochs=30, decay_epochs=30, batch_size=64))
