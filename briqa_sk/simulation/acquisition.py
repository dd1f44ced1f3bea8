"""What happens once per scan: one acquisition, which all artifacts of it share."""

from sklearn.base import BaseEstimator

from briqa_sk._random import make_generator
from briqa_sk.simulation._axes import ROLES, check_axis
from briqa_sk.simulation._coil import draw_coil
from briqa_sk.simulation.field_map import draw_field

MODES = ("2d", "3d")
SEQUENCES = ("gradient_echo", "spin_echo", "balanced")
_SHARES = (0.4, 0.5, 0.1)  # of these sequences: balanced ones are rare in the brain
_LINE_ORDERS = ("sequential", "centric", "interleaved")
_SLICE_ORDERS = ("ascending", "descending", "interleaved")
_MOST_SEGMENTS = 8


class Acquisition(BaseEstimator):
    """How a scan is acquired: axes, order of lines and slices, field, coil, noise.

    A scanner does this once, so it is drawn once, without a look at voxels, and every
    artifact of a scan is handed the same: lines of k-space that move, ghosts and
    wrap-around have one phase axis, zippers and distortion one readout axis, bands and
    displacement one field.

    What is None is drawn, but for the mode: voxels at least twice as long along one
    axis as along another, or an axis of fewer than 8 voxels, are slices of a 2-D
    acquisition, and all others a 3-D one.

    Parameters
    ----------
    mode : {"2d", "3d"} or None, default=None
        Slice by slice, or all lines of a volume. None: as the voxels look.
    sequence : {"gradient_echo", "spin_echo", "balanced"} or None, default=None
        Balanced steady states alone have dark bands (one draw in ten), and gradient
        echoes alone lose signal where the field varies within a voxel.
    readout_axis, phase_axis, slice_axis : int or None, default=None
        Different axes of the volume: 0, 1 or 2. In a 3-D acquisition, the slice axis is
        the second phase axis.

    See Also
    --------
    ArtifactSimulator : Draws one for each scan.

    Examples
    --------
    >>> from briqa_sk.simulation import Acquisition
    >>> drawn = Acquisition("2d", phase_axis=1).draw(random_state=0)
    >>> drawn["mode"], drawn["given"], drawn["line_order"]
    ('2d', {'phase': 1}, 'sequential')
    """

    def __init__(
        self,
        mode=None,
        *,
        sequence=None,
        readout_axis=None,
        phase_axis=None,
        slice_axis=None,
    ):
        self.mode = mode
        self.sequence = sequence
        self.readout_axis = readout_axis
        self.phase_axis = phase_axis
        self.slice_axis = slice_axis

    def draw(self, *, random_state=None):
        """Draw everything that is random.

        Parameters
        ----------
        random_state : int, Generator, RandomState or None, default=None
            Seed. The stream advances by the same amount whatever is given.

        Returns
        -------
        drawn : dict
            Plain, as JSON has it: ``mode``, ``sequence``, ``given`` (axes that were
            stated), ``axes`` (readout, phase, slice, in order of preference),
            ``line_order`` and its ``n_segments``, ``slice_order``, ``field`` and
            ``coil``, and the ``seed`` of the noise that is received.

        Raises
        ------
        ValueError
            If a parameter does not exist, or two axes are one.
        """
        self._check()
        rng = make_generator(random_state)
        axes = rng.permutation(3).tolist()
        sequence = str(rng.choice(SEQUENCES, p=_SHARES))
        return {
            "mode": self.mode,
            "sequence": self.sequence or sequence,
            "given": self._given(),
            "axes": axes,
            "line_order": str(rng.choice(_LINE_ORDERS, p=(0.5, 0.25, 0.25))),
            "n_segments": int(rng.integers(2, _MOST_SEGMENTS + 1)),
            "slice_order": str(rng.choice(_SLICE_ORDERS)),
            "field": draw_field(rng),
            "coil": draw_coil(rng),
            "seed": int(rng.integers(2**31 - 1)),
        }

    def with_needs(self, needs, *, name, caller):
        """Return an acquisition that also has what an artifact needs.

        Parameters
        ----------
        needs : dict
            Parameters of an acquisition.
        name : str
            Of the artifact, for the error message.
        caller : str
            Opens the error message.

        Returns
        -------
        acquisition : Acquisition
            A copy.

        Raises
        ------
        ValueError
            If it states something else already.
        """
        stated = self.get_params()
        for parameter, value in needs.items():
            if stated[parameter] not in (None, value):
                raise ValueError(
                    f"{caller}: artifacts of one scan must share its acquisition, got "
                    f"{name} with {parameter}={value!r} beside "
                    f"{parameter}={stated[parameter]!r}."
                )
        acquisition = Acquisition(**{**stated, **needs})
        acquisition._check()
        return acquisition

    def _given(self):
        axes = {role: getattr(self, f"{role}_axis") for role in ROLES}
        return {r: int(axis) % 3 for r, axis in axes.items() if axis is not None}

    def _check(self):
        caller = type(self).__name__
        for name, allowed in (("mode", MODES), ("sequence", SEQUENCES)):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise ValueError(
                    f"{caller}: {name} must be {', '.join(map(repr, allowed))}, or "
                    f"None, got {value!r}."
                )
        for role in ROLES:
            check_axis(getattr(self, f"{role}_axis"), caller=caller)
        given = self._given()
        if len(set(given.values())) < len(given):
            raise ValueError(
                f"{caller}: readout, phase and slices must have different axes, got "
                f"{given}."
            )
