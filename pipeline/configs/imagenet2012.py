"""ZFNet trained on ImageNet 2012 by the paper's recipe (Zeiler & Fergus 2013, section 3).

Command: zfnet run --config imagenet2012, or with --data DIR for examples that were prepared before; see docs/imagenet.md
Hardware: GPUs, all that the machine has; the paper had one GTX 580. TFDS needs the two archives of image-net.org, 144 GB.
Time: not run here; about 12 days in the paper; with --local about a minute
Expected error: not run here; in the paper 38.4 % top-1 and 16.5 % top-5 after 70 epochs (Table 2, one net), which are to be compared with
    the single crop. That the average of ten crops is counted too follows Krizhevsky et al. 2012.
"""

from zfnet.pipeline.run_config import Recipe, RunConfig


def get_config(local: bool = False) -> RunConfig:
    """Returns the configuration; if `local`, for two epochs of the small net at 64 pixels on one file of TFDS of each split.

    Those are 1,251 images for training and 781 for validation.
    """
    if local:
        data = "imagenet2012@train[:1shard],validation[:1shard]"
        recipe = Recipe(epochs=2, batch_size=16, deterministic=False)
        return RunConfig(data=data, recipe=recipe, image_size=64, ten_crop=True)
    recipe = Recipe(architecture="zfnet", epochs=70, batch_size=128, learning_rate=0.01, deterministic=False)
    return RunConfig(data="imagenet2012", recipe=recipe, ten_crop=True)
