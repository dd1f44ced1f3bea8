import numpy as np
import pytest

from briqa_sk import SeverityClassifier, Volume


class Recorder:
    """An augmentation that remembers the draws it was given."""

    def __init__(self, grade=None):
        self.grade = grade
        self.draws = []

    def __call__(self, volume, random_state):
        self.draws.append(random_state.integers(2**31))
        volume = volume.derive(volume.data + 1, step="brighter")
        return volume if self.grade is None else (volume, self.grade)


def fit(X, y, augment, **params):
    params = {"max_epochs": 2, "random_state": 0, "device": "cpu", **params}
    return SeverityClassifier(augment=augment, **params).fit(X, y)


def test_augmentation_is_seeded_by_seed_epoch_and_item(volumes, grades):
    first, second, other = Recorder(), Recorder(), Recorder()
    fit(volumes, grades, first)
    fit(volumes, grades, second)
    fit(volumes, grades, other, random_state=1)
    assert first.draws == second.draws
    assert len(set(first.draws)) == 12  # 6 items, 2 epochs
    assert not set(first.draws) & set(other.draws)


def test_augmentation_changes_training_only(volumes, grades):
    augment = Recorder()
    clf = fit(volumes, grades, augment, max_epochs=1)
    n_training = len(augment.draws)
    clf.predict(volumes)
    assert len(augment.draws) == n_training


def test_augmentation_raises_a_grade_and_never_lowers_it(volumes):
    y = np.array([0, 1, 2, 0, 1, 2])
    clf = fit(volumes, y, Recorder(grade=1), max_epochs=60, lr=0.01)
    # Grade 0 never reached the loss, so it is never predicted.
    assert set(clf.predict(volumes + 1)) <= {1, 2}
    assert 2 in clf.predict(volumes + 1)


def test_augmentation_must_return_a_known_grade(volumes, grades):
    order = ["good", "moderate", "bad"]
    with pytest.raises(ValueError, match="augment must return a grade seen in fit"):
        fit(volumes, grades, Recorder(grade="terrible"), grades=order)


class Promising(Recorder):
    """An augmentation that says beforehand what it may return."""

    def possible_grades(self):
        return ["good", self.grade]


def test_possible_grades_are_checked_before_training(volumes, grades):
    order = ["good", "moderate", "bad"]
    augment = Promising(grade="terrible")
    with pytest.raises(ValueError, match=r"seen in fit, .* got 'terrible'"):
        fit(volumes, grades, augment, grades=order)
    with pytest.raises(ValueError, match="grades must give the order of text labels"):
        fit(volumes, grades, augment)
    assert not augment.draws
    augment = Promising(grade="moderate")
    fit(volumes, grades, augment, grades=order)
    assert augment.draws


def test_a_simulated_grade_needs_the_order_of_text_labels(volumes, grades):
    with pytest.raises(ValueError, match="grades must give the order of text labels"):
        fit(volumes, grades, Recorder(grade="moderate"))


def test_augmentation_must_return_a_volume(volumes, grades):
    with pytest.raises(TypeError, match="a Volume and a grade, got ndarray"):
        fit(volumes, grades, lambda volume, random_state: volume.data)


def test_augment_must_be_callable(volumes, grades):
    with pytest.raises(TypeError, match="augment must be callable or None, got 5"):
        fit(volumes, grades, 5)


def test_augmentation_leaves_the_training_volumes_alone(volumes, grades):
    before = volumes.copy()

    def careless(volume, random_state):
        with pytest.raises(ValueError, match="read-only"):
            volume.data[:] = 0
        return Volume(volume.data)

    fit(volumes, grades, careless)
    np.testing.assert_array_equal(volumes, before)
