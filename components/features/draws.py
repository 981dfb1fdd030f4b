"""Draws the folds, and looks for what the net has seen in pretraining, in the order that this takes."""

from typing import Any

import numpy as np

from zfnet.components.artifacts import Examples
from zfnet.components.features.candidates import Candidates
from zfnet.components.features.folds import Fold, draw_folds
from zfnet.components.features.overlap import find_overlap


def draw_unseen(
    candidates: Candidates,
    pretraining: Examples | None,
    *,
    redraw: bool,
    leave_out: bool,
    most: int,
    test: int,
    folds: int,
    seed: int,
) -> tuple[list[Fold], dict]:
    """Draws training and test images, and reports which of them are in the pretraining set.

    Reading: training images come from the split `train`, test images from `validation`, so that images cut from one photograph, as
    patches are, share no pixel between the two; folds differ in what they draw. With `redraw` both come from the two splits together, as
    the protocol of Caltech-101 has it.

    Args:
        candidates: the images.
        pretraining: what the net was trained on; None if that is not known.
        redraw: see above.
        leave_out: whether images of the pretraining set are never drawn.
        most: training images a class.
        test: test images a class, at most.
        folds: how many folds.
        seed: decides the draws.

    Returns:
        The folds; and what was found: `looked` (numbers of training and test images that were looked for), `train` and `test` (pairs of
        ids with their correlation), `left_out`, and a `message` for people.

    Raises:
        ValueError: too few images, or they are to be left out and `pretraining` is None.
    """
    everything, usable = np.arange(len(candidates)), np.ones(len(candidates), bool)
    overlap = None
    if leave_out:
        if pretraining is None:
            raise ValueError("What the model saw in pretraining is not known, so that nothing of it can be left out.")
        overlap = find_overlap(candidates, everything, pretraining)
        usable[overlap.found] = False
    is_train = candidates.is_train
    trainable, testable = (usable, usable) if redraw else (usable & is_train, usable & ~is_train)
    try:
        drawn = draw_folds(candidates.labels, trainable, testable, candidates.examples.labels, most=most, test=test, folds=folds, seed=seed)
    except ValueError as error:
        if overlap is not None and len(overlap.found):
            raise ValueError(f"{error} {len(overlap.found):,} of {len(candidates):,} images were seen in pretraining.") from error
        raise
    train = np.unique([fold.train for fold in drawn])
    tested = np.unique(np.concatenate([fold.test for fold in drawn]))
    found: dict[str, Any] = {"looked": {"train": len(train), "test": len(tested)}, "train": [], "test": [], "left_out": []}
    if pretraining is None:
        return drawn, found | {"message": "Whether images were seen in pretraining is not known: --pretraining names what the model saw."}
    if overlap is not None:
        count = len(overlap.found)
        return drawn, found | {
            "left_out": overlap.pairs(candidates, everything),
            "message": f"{count:,} of {len(candidates):,} images were seen in pretraining, and left out.",
        }
    overlap = find_overlap(candidates, np.concatenate([train, tested]), pretraining)
    found |= {"train": overlap.pairs(candidates, train), "test": overlap.pairs(candidates, tested)}
    seen = len(overlap.found)
    message = f"{len(found['train']):,} of {len(train):,} training images and {len(found['test']):,} of {len(tested):,} test images "
    message = f"{'Warning: ' if seen else ''}{message}were seen in pretraining"
    return drawn, found | {"message": message + (": for them this is no test of new pictures." if seen else ".")}
