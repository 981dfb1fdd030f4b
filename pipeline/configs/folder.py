"""ZFNet's topology at half width, trained on photographs of the user's own.

Command: zfnet run --data FOLDER
"""

from zfnet.pipeline.run_config import RunConfig


def get_config() -> RunConfig:
    """The configuration."""
    return RunConfig(data=None)
