"""ZFNet's topology at half width, trained on patches of 15 photographs that are installed with it.

Command: zfnet run
Hardware: 2 CPU cores, no GPU
Time: 3.5 to 4.5 minutes
Expected: top-1 error about 22 %, top-5 error about 1 % (chance: 93 %, 67 %); benchmarks/default_run.json has the last measurement.
"""

from zfnet.pipeline.run_config import RunConfig


def get_config() -> RunConfig:
    """The configuration."""
    return RunConfig(data="photo_patches", epochs=10, batch_size=64, patience=2)
