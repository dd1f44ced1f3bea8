"""How a head moves while it is scanned: paths through poses, and when it is where.

Each path is (vectors, starts, shots): poses as rotations in degrees and translations in
millimetres, of any common size; when the head enters the next pose, as fractions of the
acquisition; and which pose that is.
"""

import math

import numpy as np

from briqa_sk.simulation._timing import time_of_line
from briqa_sk.simulation.poses import RMS_MM_PER_RADIAN, draw_direction

_MOST_MOVES = 6
_NEAR_CENTRE = (0.03, 0.3)  # where in k-space the first move happens, 1 at its ends
_ANYWHERE = (0.05, 0.95)
_BACK = 0.3  # share of the moves that return to where the head was at first


def draw_sudden(rng, acquisition):
    """Draw one to six moves; in between, the head lies still.

    The first is near the centre of k-space. Far from it, a move would have to be huge
    to be seen.
    """
    n_moves = int(rng.integers(1, _MOST_MOVES + 1))
    distances = rng.uniform(*_ANYWHERE, size=_MOST_MOVES)
    distances[0] = math.exp(rng.uniform(*np.log(_NEAR_CENTRE)))
    turns = rng.random(_MOST_MOVES)
    sizes = rng.uniform(0.3, 1.0, size=(_MOST_MOVES + 1, 1))
    poses = sizes * [_draw_move(rng) for _ in sizes]
    is_back = rng.random(_MOST_MOVES) < _BACK
    times = sorted(
        time_of_line(acquisition, distance, turn)
        for distance, turn in zip(distances[:n_moves], turns, strict=False)
    )
    shots = [0]
    for move in range(1, n_moves + 1):
        shots.append(0 if is_back[move - 1] and shots[-1] else move)
    kept = sorted(set(shots))
    return poses[kept], [0.0, *times], [kept.index(shot) for shot in shots]


def draw_drift(rng, acquisition):
    """Draw a slow way between two poses, straight or bent, in five to nine steps."""
    n_shots = int(rng.integers(5, 10))
    begin, end = rng.uniform(0.0, 0.3), rng.uniform(0.7, 1.0)
    haste = math.exp(rng.uniform(math.log(0.3), math.log(2)))  # below 1: fast at first
    bend = rng.uniform(0.0, 0.7)
    shots = np.arange(n_shots)
    ramp = np.clip(((shots + 0.5) / n_shots - begin) / (end - begin), 0, 1)
    way = (ramp**haste)[:, None]
    straight, aside = _draw_move(rng), _draw_move(rng)
    starts = (shots / n_shots).tolist()
    return way * straight + 2 * bend * way * (1 - way) * aside, starts, shots.tolist()


def draw_periodic(rng, acquisition):
    """Draw a swing to and fro, rounded to five poses: -1, -.5, 0, .5 and 1."""
    cycles = math.exp(rng.uniform(math.log(2), math.log(20)))
    phase = rng.random()
    low, high = np.arcsin([0.25, 0.75]) / (2 * math.pi)
    turns = np.array([low, high, 0.5 - high, 0.5 - low])
    turns = np.concatenate([turns, turns + 0.5])
    every = np.arange(math.floor(phase), math.ceil(phase + cycles) + 1)
    times = np.sort(((every[:, None] + turns - phase) / cycles).ravel())
    starts = np.concatenate([[0.0], times[(times > 0) & (times < 1)]])
    middle = (starts + np.append(starts[1:], 1.0)) / 2
    levels = np.rint(2 * np.sin(2 * math.pi * (cycles * middle + phase))).astype(int)
    poses = np.linspace(-1, 1, 5)[:, None] * _draw_move(rng)
    return poses, starts.tolist(), (levels + 2).tolist()


def _draw_move(rng):
    """Return a pose with an RMS displacement of 1 mm, part rotation, part shift."""
    share = rng.uniform(0.05, 0.95) * math.pi / 2
    angle_deg = math.degrees(math.sin(share) / RMS_MM_PER_RADIAN)
    turn, shift = draw_direction(rng), draw_direction(rng)
    return np.concatenate([angle_deg * turn, math.cos(share) * shift])
