"""Numbers of things, in words."""


def counted(number, noun):
    """Return a number with its noun: one takes the singular.

    Examples
    --------
    >>> counted(1, "epoch"), counted(20, "epoch")
    ('1 epoch', '20 epochs')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
