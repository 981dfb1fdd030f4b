"""The linear classifiers that are trained on frozen features: a softmax and a linear SVM, both scikit-learn's."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

# Both minimise |w|^2 / 2 + C times the sum of the losses, on features of mean squared length 1 (`feature_coordinates`). Fixed, not
# chosen for each data set: from C = 1 for the SVM and 100 for the softmax on, ten or a hundred times as much changes little.
STRENGTHS = {"softmax": 1000.0, "svm": 10.0}
MOST_ITERATIONS = 10_000


def classify(classifier: str, known: np.ndarray, labels: np.ndarray, new: np.ndarray, seed: int) -> np.ndarray:
    """Trains a classifier to convergence, and answers.

    Zeiler & Fergus 2013, Tables 4 to 7. Readings: the softmax is multinomial logistic regression with an L2 penalty (L-BFGS); the SVM is
    linear, one class against all others, with squared hinge loss (liblinear's primal solver). The paper states neither penalty nor solver.

    Args:
        classifier: `"softmax"` or `"svm"`.
        known: float64 `(n, k)`, features of the training images.
        labels: int `(n,)`, their classes, two at least.
        new: float64 `(m, k)`, features of the images to classify.
        seed: of the SVM's random numbers.

    Returns:
        int `(m,)`, the classes answered.

    Raises:
        ValueError: there is no such classifier, or it does not converge.
    """
    if classifier not in STRENGTHS:
        raise ValueError(f"There is no classifier {classifier!r}; there are {', '.join(STRENGTHS)}.")
    strength = STRENGTHS[classifier]
    if classifier == "softmax":
        learner = LogisticRegression(C=strength, max_iter=MOST_ITERATIONS)
    else:
        learner = LinearSVC(C=strength, dual=False, max_iter=MOST_ITERATIONS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return learner.fit(known, labels).predict(new)
        except ConvergenceWarning as error:
            raise ValueError(
                f"The {classifier} did not converge within {MOST_ITERATIONS:,} iterations: are the features finite?"
            ) from error
