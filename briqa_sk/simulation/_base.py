"""Base class of the artifacts: what is drawn, apart from what is done."""

import math
from abc import abstractmethod
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator

from briqa_sk._random import make_generator
from briqa_sk._validation import as_triple, check_positive
from briqa_sk.simulation._axes import check_axis
from briqa_sk.simulation._voxels import corrupt_voxels
from briqa_sk.simulation.acquisition import Acquisition


class Artifact(BaseEstimator):
    """One kind of corruption, of any strength in [0, 1].

    A subclass writes ``_draw``, which turns the physical value into parameters without
    looking at a scan, and ``_apply``, which turns a scan and parameters into a
    corrupted scan without drawing anything. So the parameters can be kept, published
    and applied again. They are plain: numbers, text, lists and dicts, as JSON has them.
    Both are told of the acquisition, which all artifacts of a scan share.

    Attributes
    ----------
    NAME : str
        Name of the artifact.
    PHYSICAL : str
        Name of the parameter that strength scales, with its unit. It is a parameter of
        the constructor, too, for those who know the value they want.
    LARGEST : float
        Physical value at strength 1.
    AXIS : {"readout", "phase", "slice"} or None
        What its parameter ``axis`` is in the acquisition; None without one.
    KINDS : tuple of str
        Values of the parameter ``kind``; empty without one.
    RANGES : tuple of (float, float)
        Strengths of severity 0, 1, 2.

    Examples
    --------
    An artifact of one's own goes wherever the others go:

    >>> import numpy as np
    >>> from briqa_sk.simulation import Artifact, ArtifactSimulator
    >>> class Dimming(Artifact):
    ...     NAME, PHYSICAL, LARGEST = "dimming", "loss", 0.9
    ...
    ...     def __init__(self, *, loss=None):
    ...         self.loss = loss
    ...
    ...     def _draw(self, loss, acquisition, rng):
    ...         return {}
    ...
    ...     def _apply(self, data, parameters, scan):
    ...         return data * (1 - parameters["loss"])
    >>> simulator = ArtifactSimulator(
    ...     [Dimming(), "noise"], ranges={"dimming": [(0, 0), (0.5, 0.5)]}
    ... )
    >>> dimmed, record = simulator.corrupt(np.ones((8, 8, 8)), {"dimming": 1})
    >>> record["dimming_strength"], f"{dimmed.mean():.2f}"
    (0.5, '0.55')
    """

    NAME = None
    PHYSICAL = None
    LARGEST = None
    AXIS = None
    KINDS = ()
    RANGES = ((0.0, 0.0), (0.25, 0.45), (0.6, 1.0))

    def draw(self, strength=None, *, acquisition=None, random_state=None):
        """Draw everything that is random, for a strength.

        Draws are nested: with one seed, what a lower strength has, a higher one has,
        too, only more of it.

        Parameters
        ----------
        strength : float or None, default=None
            In [0, 1]; 0 changes nothing. None takes the physical value that the
            artifact was made with.
        acquisition : dict or None, default=None
            That of the scan, from :meth:`Acquisition.draw`. None draws one.
        random_state : int, Generator, RandomState or None, default=None
            Seed.

        Returns
        -------
        parameters : dict
            Plain parameters for :meth:`apply`; ``"strength"``, the physical value and
            the ``"acquisition"`` are among them.

        Raises
        ------
        ValueError
            If the strength is outside [0, 1], a physical value is impossible, or both
            or neither are given.
        """
        given = getattr(self, self.PHYSICAL)
        if (strength is None) == (given is None):
            raise ValueError(
                f"{self._name}: either strength or {self.PHYSICAL} must be given, got "
                f"strength={strength} and {self.PHYSICAL}={given}."
            )
        self._check_params()
        value = given
        if strength is not None:
            strength = check_strength(strength, caller=self._name)
            value = self._at(strength)
        rng = make_generator(random_state)
        own_seed = int(rng.integers(2**63))
        if acquisition is None:
            acquisition = Acquisition(**self._needs()).draw(random_state=own_seed)
        drawn = self._draw(value, acquisition, rng)
        parameters = {"strength": strength, self.PHYSICAL: value, **drawn}
        return _plain({**parameters, "acquisition": acquisition})

    def apply(self, volume, parameters, *, spacing_mm=(1.0, 1.0, 1.0)):
        """Corrupt a scan as the parameters say.

        Parameters
        ----------
        volume : Volume, ndarray or Tensor of shape (i, j, k)
            Magnitude image, not negative; left untouched. A tensor is worked on where
            it is, a GPU included.
        parameters : dict
            From :meth:`draw`.
        spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
            Voxel size of an array or a tensor. A Volume knows its own.

        Returns
        -------
        corrupted : Volume, ndarray or Tensor of shape (i, j, k)
            As the input, in float32; at strength 0, an exact copy.

        Raises
        ------
        ValueError
            If the volume is not a 3-D magnitude image, or too small for the artifact,
            or the parameters have no acquisition.
        TypeError
            If its voxels are not real numbers.
        """
        spacing_mm = as_triple(spacing_mm, "spacing_mm", caller=self._name)
        return corrupt_voxels(
            volume,
            [(self, parameters)],
            find_acquisition({self.NAME: parameters}, caller=self._name),
            spacing_mm=spacing_mm,
            caller=self._name,
        )

    def __call__(
        self, volume, strength=None, *, spacing_mm=(1.0, 1.0, 1.0), random_state=None
    ):
        """Draw and apply.

        Parameters
        ----------
        volume : Volume, ndarray or Tensor of shape (i, j, k)
            Magnitude image, not negative; left untouched.
        strength : float or None, default=None
            In [0, 1]; 0 returns the voxels unchanged, bit for bit. None takes the
            physical value that the artifact was made with.
        spacing_mm : float or tuple of 3 float, default=(1.0, 1.0, 1.0)
            Voxel size of an array or a tensor. A Volume knows its own.
        random_state : int, Generator, RandomState or None, default=None
            Seed.

        Returns
        -------
        corrupted : Volume, ndarray or Tensor of shape (i, j, k)
            As the input, in float32.
        """
        parameters = self.draw(strength, random_state=random_state)
        return self.apply(volume, parameters, spacing_mm=spacing_mm)

    def check_takes_strength(self, *, caller):
        """Raise ``ValueError`` unless :meth:`draw` takes a strength.

        Parameters
        ----------
        caller : str
            Opens the error message.
        """
        given = getattr(self, self.PHYSICAL)
        if given is not None:
            raise ValueError(
                f"{caller}: artifact must come without {self.PHYSICAL}, because ranges "
                f"say how strong {self.NAME} is, got {self.PHYSICAL}={given!r}."
            )
        self._check_params()

    def _needs(self):
        """Return the parameters of an acquisition that the artifact fixes."""
        axis = getattr(self, "axis", None)
        return {} if axis is None else {f"{self.AXIS}_axis": int(axis) % 3}

    @property
    def _name(self):
        return type(self).__name__

    def describe(self, parameters):
        """Return the entry for the history of a Volume."""
        if parameters["strength"] == 0:
            return f"{self.NAME}: none"
        return f"{self.NAME}: {self.PHYSICAL}={parameters[self.PHYSICAL]:.4g}"

    def _check_params(self):
        """Raise ``ValueError`` if a constructor parameter is out of range."""
        given = getattr(self, self.PHYSICAL)
        if given is not None:
            check_positive(given, self.PHYSICAL, caller=self._name)
        check_axis(getattr(self, "axis", None), caller=self._name)
        kind = getattr(self, "kind", None)
        if kind is not None and kind not in self.KINDS:
            raise ValueError(
                f"{self._name}: kind must be {', '.join(map(repr, self.KINDS))}, or "
                f"None to draw it, got {kind!r}."
            )

    def _at(self, strength):
        """Return the physical value at a strength."""
        return self.LARGEST * strength

    def _first(self, items, value):
        """Return as many of the items, at least one, as a physical value has."""
        # A strength of k / n is k items, whatever rounding makes of its value.
        share = min(1.0, value / self.LARGEST)
        return items[: math.ceil(len(items) * share - 1e-9)]

    @abstractmethod
    def _draw(self, value, acquisition, rng):
        """Return the parameters for a physical value, in an acquisition."""

    @abstractmethod
    def _apply(self, data, parameters, scan):
        """Return corrupted voxels; ``data`` is a copy that may be overwritten."""


def find_acquisition(parameters, *, caller):
    """Return the acquisition that the parameters of the artifacts of a scan share.

    Parameters
    ----------
    parameters : dict of str to dict
        By name of the artifact; the acquisition is one more of the names, or is among
        the parameters of each artifact.
    caller : str
        Opens the error message.

    Returns
    -------
    acquisition : dict
        From :meth:`Acquisition.draw`.

    Raises
    ------
    ValueError
        If there is none, as in records of version 0.1, or there are two.
    """
    found = [parameters] if "acquisition" in parameters else parameters.values()
    found = [one["acquisition"] for one in found if "acquisition" in one]
    if not found:
        raise ValueError(
            f"{caller}: parameters must have the acquisition of the scan, got "
            f"{', '.join(parameters)} without one, as version 0.1 of briqa_sk drew "
            "them. Draw again, or install briqa_sk 0.1."
        )
    if any(one != found[0] for one in found):
        raise ValueError(
            f"{caller}: artifacts of one scan must share its acquisition, got several. "
            "Draw one, and the parameters of each artifact with acquisition=."
        )
    return found[0]


def _plain(value):
    """Return parameters whose NumPy scalars are numbers of Python."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def check_strength(strength, *, caller):
    """Return a strength as a float, or raise ``ValueError``."""
    is_number = isinstance(strength, Real) and not isinstance(strength, bool)
    if not is_number or not 0 <= strength <= 1:
        raise ValueError(f"{caller}: strength must be in [0, 1], got {strength!r}.")
    return float(strength)
