from zfnet.components.features.transfer import FROM_SCRATCH, Accuracy
from zfnet.pipeline.cli.tables import accuracy_table, aligned_table, error_table

RESULTS = [
    Accuracy("svm", "conv1", 9, [[0.5, 1.0], [0.5, 0.5]]),
    Accuracy("svm", "fc7", 3, [[0.25, 0.75], [0.5, 0.5]]),
    Accuracy("svm", "fc7", 9, [[1.0, 1.0], [1.0, 1.0]]),
    Accuracy(FROM_SCRATCH, None, 3, [[0.5, 0.5], [0.0, 0.5]]),
    Accuracy(FROM_SCRATCH, None, 9, [[0.5, 1.0], [1.0, 1.0]]),
]


def test_names_to_the_left_and_numbers_to_the_right():
    assert aligned_table([["error", "a", "long heading"], ["a long name", "1,000.0%", "-"]]) == [
        "error               a  long heading",
        "a long name  1,000.0%             -",
    ]


def test_columns_of_text_as_they_are_and_as_wide_as_a_terminal_shows_them():
    path = "/photographs" * 50
    assert aligned_table([["class", "from", "count"], ["고양이", "[bold] :cat:", "3"], ["", path, "10"]], text_columns=2, indent=2) == [
        f"  class   {'from':600}  count",
        f"  고양이  {'[bold] :cat:':600}      3",
        f"  {'':6}  {path}     10",
    ]


def test_no_colour_where_colours_are_forced(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert aligned_table([["error", "top-1"]]) == ["error  top-1"]


def row(name, *errors):
    return {"model": name, **dict(zip(("top1_error", "top5_error", "top1_error_ten_crop", "top5_error_ten_crop"), errors, strict=True))}


def test_one_model_with_ten_crops():
    assert error_table([row("zfnet_run", 0.384, 0.165, 0.375, 0.16)], None, 1000) == [
        "error      top-1  top-5  top-1, ten crops  top-5, ten crops",
        "zfnet_run  38.4%  16.5%             37.5%             16.0%",
    ]


def test_an_ensemble_of_few_classes():
    models = [row("a", 1.0, 0.0, None, None), row("b", 0.5, 0.0, None, None)]
    ensemble = {name: value for name, value in row("", 0.12345, 0.0, None, None).items() if name != "model"}
    assert error_table(models, ensemble, 3) == [
        "error                         top-1  top-3",
        "a                            100.0%   0.0%",
        "b                             50.0%   0.0%",
        "all, probabilities averaged   12.3%   0.0%",
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
