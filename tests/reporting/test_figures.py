import base64
from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread

from briqa_sk.io import Volume
from briqa_sk.reporting import summarize_grades
from briqa_sk.reporting.figures import (
    confusion_figure,
    grade_colours,
    history_figure,
    reliability_figure,
    slices_picture,
)


def decode(uri, kind):
    head, body = uri.split(",")
    assert head == f"data:{kind};base64"
    return base64.b64decode(body)


def picture(volume, **keywords):
    png = decode(slices_picture(volume, **keywords), "image/png")
    return imread(BytesIO(png))[..., 0]


def test_three_planes_stand_side_by_side_in_millimetres():
    # 20 x 40 x 10 voxels of 1 x 1 x 2 mm: planes of 20 x 40, 20 x 20 and 40 x 20 mm.
    volume = Volume(np.zeros((20, 40, 10)), np.diag([1, 1, 2, 1]))
    assert picture(volume, height_px=80).shape == (80, 40 + 80 + 160)


def test_front_is_up_and_left_stays_left():
    data = np.zeros((20, 20, 20))
    data[:10, 10:, :] = 1  # the front of the left half
    axial = picture(Volume(data), height_px=20)[:, :20]
    assert axial[:10, :10].min() == 1
    assert axial[10:].max() == axial[:, 10:].max() == 0


def test_orientation_of_the_file_does_not_matter():
    rng = np.random.default_rng(0)
    ras = Volume(rng.random((12, 14, 10)))
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = 11
    las = Volume(ras.data[::-1].copy(), flip)
    np.testing.assert_array_equal(picture(ras), picture(las))


def test_window_spans_the_percentiles_and_not_one_bright_voxel():
    data = np.tile(np.linspace(0, 1, 30), (30, 30, 1))
    data[0, 0, 0] = 1e6
    assert picture(Volume(data)).mean() == pytest.approx(0.5, abs=0.02)


def test_a_constant_volume_is_black():
    assert picture(np.ones((8, 8, 8))).max() == 0


@pytest.mark.parametrize("draw", [confusion_figure, reliability_figure])
def test_figures_of_a_summary_are_svg(draw):
    summary = summarize_grades(
        ["$bad$", "ok"],
        ["$bad$", "ok"],
        proba=[[0.9, 0.1], [0.2, 0.8]],
        grades=["ok", "$bad$"],  # would be mathematics if it were parsed
        n_resamples=2,
    )
    assert b"</svg>" in decode(draw(summary), "image/svg+xml")


def test_history_draws_the_losses_there_are():
    only_training = [{"train_loss": 1.0}, {"train_loss": 0.5}]
    svg = decode(history_figure(only_training), "image/svg+xml")
    both = [{**row, "valid_loss": 2.0} for row in only_training]
    assert b"validation" not in svg
    assert b"validation" in decode(history_figure(both), "image/svg+xml")


def test_colours_run_from_green_to_red_only_if_grades_are_ordered():
    assert grade_colours(2) == ["#2f9e8f", "#c2453a"]
    assert "#c2453a" not in grade_colours(6, ordered=False)
    assert len(set(grade_colours(6, ordered=False))) == 6
