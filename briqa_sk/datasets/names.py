"""Whose scan a file is, and in which plane, by its name."""

import re

# BIDS calls a subject sub-01; others keep its grammar and take another word.
_SUBJECT = re.compile(
    r"(?:^|[/_])((?:sub|subject|pt|patient|participant|case)-[0-9A-Za-z]+)"
)
_LISA = re.compile(
    r"(?P<subject>.+?)(_lf)?(_desc-[0-9a-z]+)?_(?P<plane>axi|cor|sag)", re.IGNORECASE
)


def parse_name(name):
    """Return the subject and the plane of a scan, as far as its name says.

    Parameters
    ----------
    name : str
        Of a file, without its ending; folders may come before it.

    Returns
    -------
    subject : str or None
        ``"sub-01"`` or ``"pt-1"`` as it stands there, or what comes before the plane
        in a name of the LISA challenge, in capitals.
    plane : {"axi", "cor", "sag"} or None
        The last part of the name.

    Examples
    --------
    >>> parse_name("LISA_0001_LF_axi")
    ('LISA_0001', 'axi')
    >>> parse_name("pt-1/anat/pt-1_acq-3T_T1w")
    ('pt-1', None)
    >>> parse_name("brain")
    (None, None)
    """
    lisa, subject = _LISA.fullmatch(name.rsplit("/", 1)[-1]), _SUBJECT.search(name)
    plane = lisa["plane"].lower() if lisa else None
    if subject:
        return subject[1], plane
    return (lisa["subject"].upper(), plane) if lisa else (None, None)
