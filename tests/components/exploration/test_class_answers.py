import numpy as np
from sklearn.metrics import roc_auc_score

from zfnet.components.exploration.class_answers import STRONGEST, class_answers


def test_measures_equal_scikit_learns(explored):
    images = np.concatenate([batch for batch, _ in explored.images.batches("", None)])
    labels = explored.images.origins.labels
    found = class_answers(explored, ["conv2", "classes"])
    for layer, each in found.items():
        values = np.asarray(explored.deconvnet.activations(images, [layer])[0])
        highest = values.max(axis=tuple(range(1, values.ndim - 1)))
        assert each.auc.shape == each.share.shape == (highest.shape[1], 3)
        for unit in range(highest.shape[1]):
            expected = [roc_auc_score(labels == label, highest[:, unit]) for label in range(3)]
            np.testing.assert_allclose(each.auc[unit], expected, rtol=1e-5)
            strongest = labels[np.argsort(-highest[:, unit], kind="stable")[:STRONGEST]]
            np.testing.assert_allclose(each.share[unit], np.bincount(strongest, minlength=3) / len(strongest), rtol=1e-5)
