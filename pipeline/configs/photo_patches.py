"""ZFNet's topology at half width, trained on patches of 15 photographs that are installed with it.

Command: zfnet run
"""

from zfnet.pipeline.run_config import RunConfig


def get_config() -> RunConfig:
    """The configuration."""
    return RunConfig(data="photo_patches", epochs=10, patience=2)
