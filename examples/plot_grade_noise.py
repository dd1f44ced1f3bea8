"""
================================
Grade the noise of phantom heads
================================

Train :class:`~briqa_sk.SeverityClassifier` in a scikit-learn Pipeline on scans whose
noise we chose ourselves, then look at what it gets wrong. Nothing is downloaded, and
the script takes a few seconds on a CPU.
"""

# %%
# Make graded scans
# -----------------
# Sixty phantom heads, scanned four times each. Grade 0 is clean, grade 1 noisy, grade 2
# very noisy, and as in real life the bad ones are rare.

import numpy as np

from briqa_sk.datasets import make_graded_heads

X, y, subjects = make_graded_heads(
    60, scans_per_subject=4, shape=(32, 36, 32), random_state=0
)
print("scans of grade 0, 1, 2:", np.bincount(y))

# %%
# This is what the network will see: the middle of one scan of each grade.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
for grade, axis in enumerate(axes):
    scan = X[int(np.flatnonzero(y == grade)[0])]
    axis.imshow(scan.data[:, :, 16].T, cmap="gray", origin="lower")
    axis.set(title=f"grade {grade}", xticks=[], yticks=[])

# %%
# Train and predict
# -----------------
# The split keeps all scans of a subject on one side. Balanced batches show the rare
# grades as often as the network needs them.

from sklearn.metrics import classification_report
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline

from briqa_sk import SeverityClassifier, StandardizeIntensity

train, test = next(StratifiedGroupKFold(3).split(y, y, groups=subjects))
model = make_pipeline(
    StandardizeIntensity(),
    SeverityClassifier(max_epochs=25, random_state=0),
)
model.fit(X[train], y[train])
print(classification_report(y[test], model.predict(X[test]), zero_division=0))

# %%
# The accuracy alone would hide how the rare grades fare, so read the rows. And is it
# more than a plain random forest on image metrics reaches, which learns from the other
# subjects among these very scans? In phantoms noise is easy for both.

from sklearn.metrics import f1_score

from briqa_sk.reporting import forest_baseline

forest = forest_baseline(X[test], y[test], subjects=subjects[test])
print(f"macro F1 of the forest: {f1_score(y[test], forest, average='macro'):.2f}")

# %%
# Training went like this.

history = model[-1].history_
figure, axis = plt.subplots(figsize=(5, 2.6))
axis.plot(history[:, "epoch"], history[:, "train_loss"])
_ = axis.set(xlabel="epoch", ylabel="training loss")
