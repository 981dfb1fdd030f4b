"""The moments of a training at which feature maps are drawn, and the number of examples searched then."""

# Zeiler & Fergus 2013, Fig. 4.
PAPER_EPOCHS = (1, 2, 5, 10, 20, 30, 40, 64)
# Of the training examples a tenth is searched, and between these two numbers of them: a forward pass is a third of a step, so a look costs
# about 3 % of an epoch's steps. Shards are random mixtures, so the first are any.
FEWEST_SEARCHED, MOST_SEARCHED = 600, 50_000


def evolution_epochs(epochs: int) -> set[int]:
    """Epochs that the figure shows: the paper's and the last, or every one of a run shorter than ten; counted from 1."""
    return set(range(1, epochs + 1)) if epochs < 10 else {epoch for epoch in PAPER_EPOCHS if epoch < epochs} | {epochs}


def watched_epochs(epochs: int) -> set[int]:
    """Epochs at which to look, for TensorBoard's slider: before the first, after each of the first ten, and the paper's."""
    return set(range(min(epochs, 10) + 1)) | evolution_epochs(epochs)


def searched(examples: int) -> int:
    """How many examples of a split, from the first, a look searches at most.

    Args:
        examples: how many the split has.

    Examples:
        >>> searched(250), searched(9469), searched(1_281_167)
        (600, 946, 50000)
    """
    return min(max(examples // 10, FEWEST_SEARCHED), MOST_SEARCHED)


def epoch_title(epoch: int) -> str:
    """What a column of the figure is called; 0 is before the first epoch."""
    return f"epoch {epoch}" if epoch else "untrained"
