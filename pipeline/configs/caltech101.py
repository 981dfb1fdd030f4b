"""ZFNet's topology at half width, trained from scratch on Caltech-101: 30 photographs of each of 102 classes; the others validate.

Command: zfnet run --config caltech101
Hardware: 2 CPU cores, no GPU; TFDS downloads 137 MB
Time: about 20 minutes, not run here; reckoned from 17 s an epoch of 3,750 patches; with --local about a minute
Expected error: not run here. From scratch, the paper's whole net at 224 pixels had 53.5 % top-1, averaged over classes (Zeiler & Fergus
    2013, Table 4: accuracy 46.5 % with 30 a class); the small net at 96 pixels can be expected to have more.
"""

from zfnet.pipeline.run_config import Recipe, RunConfig


def get_config(local: bool = False) -> RunConfig:
    """Returns the configuration; if `local`, for two epochs at 64 pixels on a fifth of the training and a twentieth of the other images."""
    if local:
        return RunConfig(data="caltech101@train[:20%],test[:5%]", recipe=Recipe(epochs=2, batch_size=16), image_size=64)
    return RunConfig(data="caltech101", recipe=Recipe(epochs=40, decay_epochs=40, batch_size=64))
