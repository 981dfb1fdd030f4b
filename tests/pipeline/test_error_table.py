from zfnet.pipeline.error_table import error_table


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
