import matplotlib
import numpy as np

from zfnet.components.pictures.chart import chart_picture, new_chart, plain, show_picture


def test_a_chart_has_the_size_that_was_asked_for_and_shows_its_curves():
    before = dict(matplotlib.rcParams)
    figure, axes = new_chart(2, 3, 601, 350)
    assert axes.shape == (2, 3)
    axes[0, 1].plot([0, 1, 2], [0, 1, 0], color="red")
    picture = chart_picture(figure)
    assert picture.shape == (350, 601, 3)
    assert picture.dtype == np.uint8
    red = np.argwhere((picture[..., 0] > 200) & (picture[..., 1] < 60))
    assert len(red) > 20
    assert red[:, 0].max() < 175  # the upper row
    assert 200 < red[:, 1].min() <= red[:, 1].max() < 401  # the middle column
    assert dict(matplotlib.rcParams) == before


def test_names_are_no_formulas_and_not_hidden():
    figure, axes = new_chart(1, 1, 300, 200)
    axes[0, 0].plot([0, 1], label=plain("_DSC_1$x_{$.jpg"))
    legend = axes[0, 0].legend()
    chart_picture(figure)
    assert [text.get_text() for text in legend.get_texts()] == [r" _DSC_1\$x_{\$.jpg"]


def test_a_picture_keeps_its_colours():
    figure, axes = new_chart(1, 1, 200, 200)
    show_picture(axes[0, 0], np.full((40, 40, 3), (10, 200, 30), np.uint8), "green")
    assert (chart_picture(figure) == (10, 200, 30)).all(axis=2).sum() > 10_000
