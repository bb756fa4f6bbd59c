import sys

import numpy as np
import pytest
import scipy.sparse as sp

from fastada import AdaGradClassifier, AdaGradRegressor, TextClassifier
from fastada.inspection import LearningRateDisplay, LossCurveDisplay, TopFeaturesDisplay

TEXTS = ["the $hip sails", "the ship", "a bird flies", "the bird", "heat and sand", "the heat"] * 5
LABELS = ["sea", "sea", "sky", "sky", "$un$", "$un$"] * 5


@pytest.fixture(scope="module")
def model():
    return TextClassifier(n_features=2**12, random_state=0).fit(TEXTS, LABELS)


@pytest.fixture
def pyplot(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib", reason="displays need matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_loss_curve_has_the_losses(model, pyplot, text_like):
    display = LossCurveDisplay.from_estimator(model)
    losses = model.classifier_.loss_curve_
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), losses)
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), np.arange(len(losses)) + 1)
    X, y = text_like
    stopped = AdaGradClassifier(early_stopping=True, random_state=0).fit(X, y)
    _, ax = pyplot.subplots()
    display = LossCurveDisplay.from_estimator(stopped, ax=ax, color="red")
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert [line.get_color() for line in display.lines_] == ["red", "red"]
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), stopped.validation_loss_curve_)
    assert LossCurveDisplay.from_estimator(AdaGradRegressor().fit(X, np.arange(len(y)))).lines_


def test_rates_stand_against_counts(model, pyplot, text_like):
    X, y = text_like
    linear = AdaGradClassifier(max_iter=1).fit(X, y)
    display = LearningRateDisplay.from_estimator(linear, X, label="ham")
    counts = np.count_nonzero(X.toarray(), axis=0)
    row = linear.classes_.tolist().index("ham")
    np.testing.assert_array_equal(display.document_frequency, counts[counts > 0])
    np.testing.assert_array_equal(
        display.learning_rate, linear.learning_rate_per_feature_[row][counts > 0]
    )
    assert display.hexagons_.get_array().sum() == np.count_nonzero(counts)
    frequency, median = display.medians()
    singles = (display.document_frequency == 4) | (display.document_frequency // 4 == 1)
    place = np.flatnonzero((frequency >= 4) & (frequency < 8))
    assert median[place] == pytest.approx(np.median(display.learning_rate[singles]))
    of_text = LearningRateDisplay.from_estimator(model, TEXTS)
    assert of_text.document_frequency.max() == TEXTS.count("the ship") * 4
    with pytest.raises(ValueError, match="label must be one of"):
        LearningRateDisplay.from_estimator(linear, X, label="beans")
    with pytest.raises(ValueError, match="features, but"):
        LearningRateDisplay.from_estimator(linear, X[:, 1:])
    with pytest.raises(ValueError, match="no feature"):
        LearningRateDisplay.from_estimator(linear, sp.csr_array(X.shape))


def test_top_features_are_those_of_the_classifier(model, pyplot):
    display = TopFeaturesDisplay.from_estimator(model, iter(TEXTS), k=3)
    assert len(display.axes_) == 3
    for ax, label in zip(display.axes_, model.classes_, strict=True):
        expected = model.top_features(label, 3, TEXTS)
        assert [bar.get_width() for bar in ax.patches] == [weight for _, weight in expected]
        assert ax.get_title().replace("\\", "") == label
    display.figure_.canvas.draw()  # dollar signs are no formulas
    _, ax = pyplot.subplots()
    one = TopFeaturesDisplay.from_estimator(model, TEXTS, labels=["sky"], ax=ax)
    assert one.ax_ is ax
    with pytest.raises(ValueError, match="one ax takes one label"):
        TopFeaturesDisplay.from_estimator(model, TEXTS, ax=ax)


def test_without_matplotlib_it_says_what_to_install(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"fastada\[plot\]"):
        LossCurveDisplay.from_estimator(model)
