"""
================
How rare is bad?
================

A network that learned from as many bad scans as good ones calls too many bad where bad
ones are rare. State how rare they are, and it speaks for that: on a fitted model,
without another training. Nothing is downloaded, and the script takes some seconds on a
CPU.
"""

# %%
# Three scans in ten of the training set are bad, because somebody looked for them. In
# the warehouse that is to be filtered it is one in 25. Bad means very noisy; scans that
# are only noisy are good enough.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import precision_score, recall_score

from briqa_sk import SeverityClassifier, StandardizeIntensity
from briqa_sk.calibration import shift_prior
from briqa_sk.datasets import make_graded_heads


def make_scans(n_subjects, proportions, seed):
    """Return scans of clean, noisy and very noisy heads, and which are bad."""
    heads, grades, _ = make_graded_heads(
        n_subjects,
        scans_per_subject=4,
        shape=(24, 28, 24),
        proportions=proportions,
        random_state=seed,
    )
    X = StandardizeIntensity().fit_transform(heads)
    return X, np.where(grades == 2, "bad", "good")


X, y = make_scans(50, (0.4, 0.3, 0.3), seed=0)
warehouse, truth = make_scans(100, (0.6, 0.36, 0.04), seed=1)

# %%
# Fit once, ask three times
# -------------------------
# ``trained_prior_`` is what the network has learned to speak for, ``class_prior_`` what
# the training scans were.

clf = SeverityClassifier(grades=["good", "bad"], max_steps=100, random_state=0)
clf.fit(X, y)
print("classes:", clf.classes_)
print("of the training scans:", clf.class_prior_)
print("the network speaks for:", clf.trained_prior_)

priors = {
    "balanced": "balanced",
    "training": "training",
    "warehouse": {"bad": 0.04, "good": 0.96},
}
rows = {}
for name, prior in priors.items():
    clf.set_params(prior=prior)
    called = clf.predict(warehouse)
    rows[name] = {
        "called bad": np.mean(called == "bad"),
        "mean probability": clf.predict_proba(warehouse)[:, 0].mean(),
        "precision": precision_score(truth, called, pos_label="bad"),
        "recall": recall_score(truth, called, pos_label="bad"),
    }
print(pd.DataFrame(rows).round(3).to_string())

# %%
# As for so many bad scans as it was trained for, it finds all of them, and one alarm in
# four is false: right where somebody looks again. Told how rare they are, it raises no
# false alarm and misses a quarter: right where nobody does.
#
# Every prevalence
# ----------------
# :func:`~briqa_sk.calibration.shift_prior` does the same to the probabilities of any
# classifier. The rarer bad scans are said to be, the surer the network must be of one.

log_proba = np.log(clf.set_params(prior=None).predict_proba(warehouse))
shares = expit(np.linspace(-5, 2, 60))
precision, recall = [], []
for share in shares:
    there = np.array([share, 1 - share])
    proba = np.exp(shift_prior(log_proba, clf.trained_prior_, there))
    called = clf.classes_[proba.argmax(axis=1)]
    scored = {"pos_label": "bad", "zero_division": np.nan}
    precision.append(precision_score(truth, called, **scored))
    recall.append(recall_score(truth, called, **scored))

_, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
axis.plot(shares, precision, label="precision: of those called bad, how many are")
axis.plot(shares, recall, label="recall: of the bad ones, how many are called so")
places = {"balanced": 0.5, "training": clf.class_prior_[0], "warehouse": 0.04}
for name, share in places.items():
    axis.axvline(share, color="0.7", linewidth=1, zorder=0)
    axis.text(share, 1.04, name, ha="center", fontsize=9)
axis.set(xscale="logit", ylim=(0, 1.02), xlabel="stated share of bad scans")
axis.set_xticks([0.01, 0.1, 0.5, 0.8], ["1 %", "10 %", "50 %", "80 %"])
axis.minorticks_off()
_ = axis.legend(loc="lower right", fontsize=9)
