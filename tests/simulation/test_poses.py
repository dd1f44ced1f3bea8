"""Poses: displacement against points of a sphere, composition by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from briqa_sk.simulation.poses import (
    draw_direction,
    keep_in_plane,
    make_pose,
    mean_displacement,
    relative_pose,
    rms_displacement,
    scale_poses,
)


@pytest.fixture(scope="module")
def sphere():
    """Points of a sphere of 80 mm radius, evenly random in its volume."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(200_000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return 80 * points * np.cbrt(rng.random((200_000, 1)))


@pytest.mark.parametrize(
    ("rotation_deg", "translation_mm"),
    [((4, 0, 0), (0, 0, 0)), ((0, 0, 0), (1, 2, 2)), ((20, -30, 10), (5, 0, -8))],
)
def test_displacement_is_the_rms_over_points_of_the_sphere(
    sphere, rotation_deg, translation_mm
):
    turn = Rotation.from_rotvec(rotation_deg, degrees=True)
    shift = turn.apply(sphere) + translation_mm - sphere
    truth = np.sqrt(np.square(shift).sum(1).mean())
    pose = make_pose(rotation_deg, translation_mm)
    assert rms_displacement(pose) == pytest.approx(truth, rel=0.005)


def test_a_relative_pose_leads_from_one_pose_to_the_other(sphere):
    first, second = make_pose((9, 2, 0), (1, 0, 5)), make_pose((0, -7, 3), (2, 2, 2))
    rotation, translation = relative_pose(second, first)
    there = sphere[:9] @ first[0].T + first[1]
    truth = sphere[:9] @ second[0].T + second[1]
    assert there @ rotation.T + translation == pytest.approx(truth, abs=1e-9)


def test_displacement_is_a_power_mean():
    poses = [make_pose((0, 0, 0), (mm, 0, 0)) for mm in (0, 4, 10)]
    weights = [0.5, 0.25, 0.25]
    by_hand = (0.25 * 4**0.75 + 0.25 * 10**0.75) ** (4 / 3)
    assert mean_displacement(poses, weights) == pytest.approx(by_hand)
    by_hand = (0.5 * 4**0.75 + 0.25 * 6**0.75) ** (4 / 3)
    assert mean_displacement(poses, weights, poses[1]) == pytest.approx(by_hand)


@pytest.mark.parametrize("displacement_mm", [0.5, 6.0, 40.0])
@pytest.mark.parametrize("home", [(0, 0, 1, 0), (0.1, 0.2, 0.3, 0.4), (0, 0, 0, 0)])
def test_scaled_poses_reach_the_displacement(displacement_mm, home):
    vectors = np.random.default_rng(1).normal(size=(4, 6))
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    motions = scale_poses(vectors, weights, np.array(home), displacement_mm)
    assert mean_displacement(motions, weights) == pytest.approx(displacement_mm)


def test_one_pose_is_no_motion_from_itself():
    vectors = np.array([[5.0, 9, -3, 2, 1, 0]])
    ((rotation, translation),) = scale_poses(vectors, np.ones(1), np.ones(1), 3.0)
    np.testing.assert_allclose(rotation, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(translation, 0, atol=1e-12)


def test_directions_have_no_preference():
    rng = np.random.default_rng(0)
    directions = np.array([draw_direction(rng) for _ in range(4000)])
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1)
    assert directions.mean(0) == pytest.approx(0, abs=0.05)
    assert np.square(directions).mean(0) == pytest.approx(1 / 3, abs=0.03)


@pytest.mark.parametrize(
    ("shape", "kept"),
    [
        ((9, 9, 9), [1, 2, 3, 4, 5, 6]),
        ((9, 9, 4), [0, 0, 3, 4, 5, 0]),
        ((4, 9, 4), [0, 0, 0, 0, 5, 0]),
    ],
)
def test_short_axes_do_not_move(shape, kept):
    assert keep_in_plane([1, 2, 3, 4, 5, 6], shape, 8).tolist() == kept
