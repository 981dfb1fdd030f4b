"""Everything that a user can choose about a run."""

from dataclasses import dataclass

from zfnet.model.net.variation import find_architecture


@dataclass(frozen=True)
class RunConfig:
    """Choices for `zfnet run`.

    Args:
        data: `photo_patches`, a TFDS name, a folder or a prepared directory; None if the user has to say.
        architecture: name of the network or of a variation of one, see `zfnet.model`.
        image_size: side of the network's input, in pixels; None for the one that the architecture was made for.
        epochs: how often to train on every example; None lets the Trainer choose by their number.
        batch_size: examples per training step, over all replicas; None lets the Trainer choose.
        learning_rate: the rate to begin with; None for the architecture's.
        patience: epochs without a lower validation error after which it is divided by ten; small nets do not look at it.
        decay_epochs: epochs over which the rate of small nets falls along a cosine; None for as many as the Trainer would choose.
        seed: of everything random.
        augmentation: how training varies images: "paper", crops alone, or "strong", sizes and colours too.
        crops: what training sees of a photograph: "ten" (four corners, centre, flips) or "random".
        ten_crop: whether to evaluate with the ten crops too.
        deterministic: whether the same seed must give the same bits, on a CPU.
        mixed_precision: whether to compute in bfloat16, with weights in float32; None does so where every GPU is fast at it.
        xla: whether to compile a training step with XLA; None does so on GPUs, if not `deterministic`.
        checkpoint_minutes: time between two checkpoints in the middle of an epoch; there is one at the end of each.
        keep_checkpoints: whether to keep those of all epochs that `zfnet evolution` draws, instead of the last two and the best alone.
        maps_per_layer: for how many maps of each layer to draw pictures.
        max_rejected: the share of unreadable photographs, 0 to 1, above which the run fails.
    """

    data: str | None
    architecture: str = "zfnet-small"
    image_size: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    patience: int = 5
    decay_epochs: int | None = None
    seed: int = 0
    augmentation: str = "paper"
    crops: str = "ten"
    ten_crop: bool = False
    deterministic: bool = True
    mixed_precision: bool | None = None
    xla: bool | None = None
    checkpoint_minutes: float = 10
    keep_checkpoints: bool = False
    maps_per_layer: int = 9
    max_rejected: float = 0.1

    @property
    def photographs(self) -> str:
        """`data`, which has been said.

        Raises:
            ValueError: it has not.
        """
        if self.data is None:
            raise ValueError("The configuration needs --data.")
        return self.data

    @property
    def input_size(self) -> int:
        """Side of the network's input, in pixels."""
        return self.image_size or find_architecture(self.architecture).input_size

    def check_image_size(self) -> None:
        """Fails if images of the size `input_size` are too small for the architecture, or if there is no architecture of that name.

        Raises:
            ValueError: the message names the layer that is short of positions, or the architectures there are.
        """
        size, architecture = self.input_size, find_architecture(self.architecture)
        try:
            architecture.check_size(size, size)
        except ValueError as error:
            raise ValueError(f"Images of {size} x {size} pixels are too small for {self.architecture}: {error}") from error
