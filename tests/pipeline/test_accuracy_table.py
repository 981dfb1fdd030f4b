from zfnet.components.features.transfer import FROM_SCRATCH, Accuracy
from zfnet.pipeline.accuracy_table import accuracy_table

RESULTS = [
    Accuracy("svm", "conv1", 9, [[0.5, 1.0], [0.5, 0.5]]),
    Accuracy("svm", "fc7", 3, [[0.25, 0.75], [0.5, 0.5]]),
    Accuracy("svm", "fc7", 9, [[1.0, 1.0], [1.0, 1.0]]),
    Accuracy(FROM_SCRATCH, None, 3, [[0.5, 0.5], [0.0, 0.5]]),
    Accuracy(FROM_SCRATCH, None, 9, [[0.5, 1.0], [1.0, 1.0]]),
]


def test_lines_hold_mean_and_deviation_of_folds():
    assert accuracy_table(RESULTS, ["conv1", "fc7"], "fc7") == [
        "images a class                      3              9",
        "linear SVM on fc7        50.0 % ± 0.0  100.0 % ± 0.0",
        "same net, from scratch  37.5 % ± 17.7  87.5 % ± 17.7",
        "",
        "9 images a class     linear SVM",
        "conv1             62.5 % ± 17.7",
        "fc7               100.0 % ± 0.0",
    ]
