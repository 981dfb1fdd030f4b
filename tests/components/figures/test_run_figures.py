import json
import subprocess
import sys

import numpy as np

from zfnet.components.artifacts import Evaluation, Figures
from zfnet.components.figures import run_figures
from zfnet.components.figures.run_figures import RUN_FIGURES, RunFigure, TrainedNet
from zfnet.components.pictures.figure import Figure


def test_each_draws_pictures_that_begin_with_its_name(gratings_net, search_of, evaluation, statistics):
    net = TrainedNet(search_of(gratings_net()), maps=2, seed=0, evaluation=evaluation, statistics=statistics)
    for name, entry in RUN_FIGURES.items():
        if entry.draw is not None and (figure := entry.draw(net)) is not None:
            assert figure.pictures
            assert all(each == name or each.startswith(f"{name}_") for each in figure.pictures)


def test_an_evaluation_that_does_not_tell_mistakes_draws_nothing(gratings_net, search_of, statistics, tmp_path):
    (tmp_path / "evaluation.json").write_text(json.dumps({"top1_error": 0.5, "blessed": True}))
    search = search_of(gratings_net())
    for evaluation in (None, Evaluation(tmp_path)):
        net = TrainedNet(search, maps=2, seed=0, evaluation=evaluation, statistics=statistics)
        assert [RUN_FIGURES[name].draw(net) for name in ("mistakes", "classes", "confusion", "calibration")] == [None] * 4


def test_a_net_without_mistakes_has_no_picture_of_them(gratings_net, search_of, tmp_path):
    (tmp_path / "evaluation.json").write_text(json.dumps({"mistakes": []}))
    assert RUN_FIGURES["mistakes"].draw(TrainedNet(search_of(gratings_net()), 2, 0, Evaluation(tmp_path))) is None


def test_a_net_without_an_active_map_has_no_occlusion(gratings_net, search_of, capsys):
    deconvnet = gratings_net()
    deconvnet.model.get_layer("conv2").bias.assign(np.full(12, -1e6))
    assert RUN_FIGURES["occlusion"].draw(TrainedNet(search_of(deconvnet), maps=2, seed=0)) is None
    assert "No occlusion was drawn: No map of layer 'conv2' is active" in capsys.readouterr().out


def test_a_new_figure_is_one_entry(examples, statistics, model, evaluation, monkeypatch, tmp_path):
    import tensorflow as tf

    from zfnet.components.visualizer import visualize
    from zfnet.pipeline.report import report_pictures

    def draw(net):
        return Figure("new", {"new": np.zeros((4, 4, 3), np.uint8)}, {"images": len(net.search.images.origins.ids)})

    monkeypatch.setattr(run_figures, "RUN_FIGURES", new := {"new": RunFigure("Something new", "What it shows.", draw)})
    monkeypatch.setattr("zfnet.pipeline.report.RUN_FIGURES", new)
    (tmp_path / "figures").mkdir()
    visualize(
        examples, statistics, model, evaluation, Figures(tmp_path / "figures"), maps=1, seed=0, tensorboard=str(tmp_path / "logs" / "net")
    )
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["explore.html", "new.json", "new.png"]
    (section,) = report_pictures(tmp_path / "figures")
    assert (section.title, section.about, list(section.files)) == ("Something new", "What it shows.", ["Something new"])
    (log,) = (tmp_path / "logs" / "net" / "gallery").iterdir()
    tags = [value.tag for event in tf.compat.v1.train.summary_iterator(str(log)) for value in event.summary.value]
    assert tags == ["where_it_errs", "new"]


def test_titles_do_not_wait_for_tensorflow():
    program = "import sys, zfnet.components.figures.run_figures; print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
