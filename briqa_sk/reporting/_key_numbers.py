"""What the page says of the key numbers, in words and places."""

#: Score -> its name in the report, what it means, and whether lower is better.
SCORES = {
    "macro_f1": ("Macro F1", "every grade counts the same", False),
    "balanced_accuracy": ("Balanced accuracy", "mean recall of the grades", False),
    "quadratic_kappa": ("Quadratic kappa", "agreement beyond chance", False),
    "macro_averaged_mae": ("Grade error", "mean distance in grades", True),
    "calibration_error": ("Calibration error", "of the probabilities", True),
}
#: Baseline -> what it is.
BASELINES = {
    "majority": "calls every scan “{majority}”",
    "forest": "is a random forest on image metrics, learnt here from other {others}",
}
#: Shapes of the marks of baselines, see the style sheet; more baselines share the last.
N_MARKS = 4


def key_numbers(summary):
    """Return each score with its name, meaning, baselines and places on its scale."""
    return [
        _key_number(name, score, len(summary["grades"]))
        for name, score in summary.get("scores", {}).items()
    ]


def _key_number(name, score, n_grades):
    label, meaning, lower_is_better = SCORES[name]
    n_steps = max(n_grades - 1, 1)  # a single grade can't be missed
    full = n_steps if name == "macro_averaged_mae" else 1

    def place(value):
        return None if value is None else 100 * min(max(value / full, 0), 1)

    return {
        **score,
        "label": label,
        "meaning": meaning,
        "lower_is_better": lower_is_better,
        "places": {key: place(score[key]) for key in ("value", "low", "high")},
        "baselines": [
            {"name": baseline, "value": value, "place": place(value), "mark": mark}
            for baseline, value, mark in _marked(score["baselines"])
            if value is not None
        ],
    }


def key_baselines(summary):
    """Return name, mark and meaning of each baseline."""
    if "scores" not in summary:
        return []
    facts = {
        "majority": summary["majority"],
        "others": (
            "scans, perhaps of the same subject"
            if summary["n_subjects"] is None
            else "subjects"
        ),
    }
    return [
        {"name": name, "mark": mark, "meaning": BASELINES.get(name, "").format(**facts)}
        for name, _, mark in _marked(summary["scores"]["macro_f1"]["baselines"])
    ]


def _marked(baselines):
    """Return name, value and shape of the mark of each baseline."""
    return [
        (name, value, min(number, N_MARKS - 1))
        for number, (name, value) in enumerate(baselines.items())
    ]


def verdicts(summary):
    """Return a sentence per margin: whether the model beats the baseline."""
    return [
        _verdict(name, margin, summary["scores"]["macro_f1"])
        for name, margin in summary.get("margins", {}).items()
    ]


def _verdict(name, margin, score):
    by, low, high = margin["value"], margin["low"], margin["high"]
    interval = "" if low is None else f" ({low:.2f} to {high:.2f})"
    if by > 0:
        doubt = ", which may be chance" if low is None or low <= 0 else ""
        return (
            f"In macro F1, the model beats the {name} baseline by {by:.2f}{interval}"
            f"{doubt}."
        )
    lost = f"In macro F1, the model does not beat the {name} baseline"
    if by == 0:
        return f"{lost}: both have {score['value']:.2f}."
    other = score["baselines"][name]
    return (
        f"{lost}: {score['value']:.2f} against {other:.2f}, a difference of {by:.2f}"
        f"{interval}."
    )
