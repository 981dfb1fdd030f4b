"""The moments of a training at which feature maps are drawn, and the number of examples searched then."""

# Zeiler & Fergus 2013, Fig. 4.
PAPER_EPOCHS = (1, 2, 5, 10, 20, 30, 40, 64)
# A tenth of the training examples is searched, but no fewer and no more than these: a forward pass is a third of a step, so a search costs
# about 3 % of an epoch's steps. Shards are random mixtures, so the first examples are as good as any.
FEWEST_SEARCHED, MOST_SEARCHED = 600, 50_000


def evolution_epochs(epochs: int) -> set[int]:
    """Epochs that the figure shows: the paper's and the last, or every one of a run shorter than ten; counted from 1."""
    return set(range(1, epochs + 1)) if epochs < 10 else {epoch for epoch in PAPER_EPOCHS if epoch < epochs} | {epochs}


def watched_epochs(epochs: int) -> set[int]:
    """Epochs at which to look, for TensorBoard's slider: before the first, after each of the first ten, and the paper's."""
    return set(range(min(epochs, 10) + 1)) | evolution_epochs(epochs)


def searched(examples: int) -> int:
    """Number of examples, from the first of a split, that are searched at one moment.

    Args:
        examples: how many the split has.

    Examples:
        >>> searched(250), searched(9469), searched(1_281_167)
        (600, 946, 50000)
    """
    return min(max(examples // 10, FEWEST_SEARCHED), MOST_SEARCHED)


def epoch_title(epoch: int) -> str:
    """Title of a moment in the figure, given the number of epochs trained."""
    return f"epoch {epoch}" if epoch else "untrained"
