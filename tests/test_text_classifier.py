import pickle

import numpy as np
import pytest
from scipy.special import logit
from sklearn.base import clone
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from fastada import AdaGradClassifier, TextClassifier

TOPICS = {
    "sea": "the ship sails over salt waves to the harbour with fish",
    "sky": "the bird flies through clouds and wind above the hills",
    "sun": "the light warms stone and sand at noon with heat",
}
COMMON = "and then there was some more of that which is not known"


def make_texts(labels, n, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(sorted(labels), size=n)
    words = {label: TOPICS[label].split() for label in labels}
    common = COMMON.split()
    X = [
        " ".join(np.concatenate([rng.choice(words[label], 5), rng.choice(common, 6)]))
        for label in y
    ]
    return X, y


@pytest.fixture(params=[("sea", "sky"), ("sea", "sky", "sun")], ids=["binary", "multiclass"])
def data(request):
    return make_texts(request.param, 200)


@pytest.fixture
def fitted(data):
    return TextClassifier(n_features=2**14, random_state=0).fit(*data)


def test_scikit_learns_checks_that_apply_to_text():
    with pytest.warns(Warning, match="Can't test estimator"):
        check_estimator(TextClassifier())


@pytest.mark.parametrize(("calibrate", "use_idf"), [(False, True), (True, False)])
def test_equals_scikit_learns_features_and_our_classifier(data, calibrate, use_idf):
    X, y = data
    loss = "squared_hinge" if calibrate and len(set(y)) > 2 else "log_loss"
    features = make_pipeline(
        HashingVectorizer(
            ngram_range=(1, 2), alternate_sign=False, norm=None, dtype=np.float32, n_features=2**14
        ),
        TfidfTransformer(sublinear_tf=True, use_idf=use_idf),
    ).fit_transform(X)
    expected = AdaGradClassifier(loss, calibrate=calibrate, random_state=0).fit(features, y)
    model = TextClassifier(
        n_features=2**14, calibrate=calibrate, use_idf=use_idf, random_state=0
    ).fit(X, y)
    np.testing.assert_array_equal(model.classifier_.coef_, expected.coef_)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(features))
    np.testing.assert_array_equal(model.predict(X), expected.predict(features))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_ngrams_that_were_not_seen_change_nothing(data, method):
    X, y = data
    model = TextClassifier(n_features=2**18, ngram_range=(1, 1), random_state=0)
    getattr(model, method)(X, y, **({"classes": np.unique(y)} if method == "partial_fit" else {}))
    longer = [f"never {text} seen before" for text in X]
    np.testing.assert_allclose(
        model.decision_function(longer), model.decision_function(X), rtol=1e-5, atol=1e-6
    )
    nothing = model.decision_function(["", "unheard"])
    np.testing.assert_array_equal(nothing[1], nothing[0])
    assert {c.contribution for c in model.explain("unheard")} == {0.0}


def test_unseen_ngrams_become_seen(data):
    X, y = data
    model = TextClassifier(n_features=2**18, random_state=0).partial_fit(X, y, np.unique(y))
    before = model.decision_function(["tide"])
    model.partial_fit(["tide"] * 20, [y[0]] * 20)
    assert (model.decision_function(["tide"]) != before).all()


@pytest.mark.parametrize("data", [("sea", "sky"), ("sea", "sky", "sun")], indirect=True)
def test_calibration_leaves_out_what_was_not_seen(data):
    """Of what a text alone has, its norm has nothing where the text is new."""
    rng = np.random.default_rng(1)

    def with_names(n, seed):
        X, y = make_texts(set(data[1]), n, seed)
        y = np.where(rng.random(n) < 0.3, rng.permutation(y), y)
        return [f"{x} {' '.join(f'id{i}' for i in rng.integers(2**40, size=12))}" for x in X], y

    (X, y), (X_test, y_test) = with_names(300, 1), with_names(2000, 2)
    model = TextClassifier(n_features=2**18, loss="log_loss", random_state=0).fit(X, y)
    features = model.vectorizer_.transform(X)
    unaware = AdaGradClassifier(random_state=0).fit(features, y)
    losses = [
        log_loss(y_test, probabilities)
        for probabilities in (
            model.predict_proba(X_test),
            unaware.predict_proba(model.vectorizer_.transform(X_test)),
        )
    ]
    assert losses[0] < 0.98 * losses[1]


def test_learns(data, fitted):
    X, y = make_texts(set(data[1]), 100, seed=1)
    assert fitted.score(X, y) > 0.95
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (100, len(fitted.classes_))
    if len(fitted.classes_) == 2:
        margins = fitted.classifier_.temperature_ * fitted.decision_function(X)
        np.testing.assert_allclose(logit(probabilities[:, 1]), margins, 1e-5)


@pytest.mark.parametrize(
    ("parameters", "loss"),
    [
        ({}, "squared_hinge"),
        ({"calibrate": True}, "squared_hinge"),
        ({"calibrate": False}, "log_loss"),
        ({"multi_class": "multinomial"}, "log_loss"),
        ({"loss": "log_loss"}, "log_loss"),
        ({"loss": "hinge"}, "hinge"),
        ({"loss": "modified_huber"}, "modified_huber"),
    ],
)
def test_loss(parameters, loss):
    X, y = make_texts(TOPICS, 120)
    model = TextClassifier(n_features=2**10, max_iter=2, random_state=0, **parameters).fit(X, y)
    assert model.classifier_.loss == loss
    is_calibrated = parameters.get("calibrate", True) and loss != "modified_huber"
    assert (model.classifier_.temperature_ != 1) == is_calibrated
    assert (model.classifier_.offset_ != 0) == (is_calibrated and "hinge" in loss)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_one_weight_for_all_texts_is_as_none():
    X, y = make_texts(TOPICS, 120)
    models = [
        TextClassifier(n_features=2**10, random_state=0).fit(X, y, weight) for weight in (1.0, None)
    ]
    np.testing.assert_array_equal(*(model.decision_function(X) for model in models))


def test_probabilities_that_cannot_be_calibrated_are_of_the_log_loss():
    X, y = make_texts(TOPICS, 120)
    few = np.arange(120) < 99
    models = (
        TextClassifier(n_features=2**10).fit(X[:99], y[:99]),
        TextClassifier(n_features=2**10).fit(X, y, sample_weight=few),
        TextClassifier(n_features=2**10).partial_fit(X, y, classes=list(TOPICS)),
        TextClassifier(n_features=2**10).fit(X, np.where(y == "sea", "sea", "land")),
    )
    assert [model.classifier_.loss for model in models] == ["log_loss"] * 4
    model = TextClassifier(n_features=2**10, loss="hinge", calibrate=False).fit(X, y)
    assert not hasattr(model, "predict_proba")


def test_searched_cross_validated_cloned_and_pickled(data, fitted):
    X, y = data
    search = GridSearchCV(
        TextClassifier(n_features=2**12, random_state=0),
        {"ngram_range": [(1, 1), (1, 2)], "learning_rate": [0.5, 1.0]},
        cv=3,
    ).fit(X, y)
    assert search.best_score_ > 0.9
    assert cross_val_score(clone(search.best_estimator_), X, y, cv=3).min() > 0.85
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_partial_fit_without_idf_is_one_pass_over_the_whole():
    X, y = make_texts(TOPICS, 2000)
    classes = sorted(TOPICS)
    whole = TextClassifier(n_features=2**12, use_idf=False).partial_fit(X, y, classes)
    chunked = TextClassifier(n_features=2**12, use_idf=False)
    for start in (0, 1000, 1500):
        stop = {0: 1000, 1000: 1500, 1500: 2000}[start]
        chunked.partial_fit(X[start:stop], y[start:stop], classes)
    np.testing.assert_array_equal(whole.classifier_.coef_, chunked.classifier_.coef_)


def test_partial_fit_with_idf_counts_as_it_goes(data):
    X, y = data
    model = TextClassifier(n_features=2**12)
    for half in (slice(0, 100), slice(100, 200)):
        model.partial_fit(X[half], y[half], np.unique(y))
    whole = TextClassifier(n_features=2**12).fit(X, y)
    np.testing.assert_array_equal(model.vectorizer_.idf_, whole.vectorizer_.idf_)
    assert model.score(X, y) > 0.95


def test_refused_texts_leave_the_model_as_it_was(data):
    X, y = data
    model = TextClassifier(n_features=2**12).partial_fit(X, y, np.unique(y))
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="not among those known"):
        model.partial_fit(X[:2], ["sea", "ice"])
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.vectorizer_.n_documents_ == len(X)


def test_contributions_add_up_to_the_margin(data, fitted):
    X, _ = data
    for text in X[:5]:
        margins = np.atleast_1d(fitted.decision_function([text])[0])
        for i, label in enumerate(fitted.classes_):
            contributions = fitted.explain(text, label)
            total = sum(c.contribution for c in contributions)
            if len(fitted.classes_) == 2:
                expected = (1 if i else -1) * (margins[0] - fitted.classifier_.intercept_[0])
            else:
                expected = margins[i] - fitted.classifier_.intercept_[i]
            assert total == pytest.approx(expected, rel=1e-4, abs=1e-5)
            strengths = [abs(c.contribution) for c in contributions]
            assert strengths == sorted(strengths, reverse=True)


def test_explain_names_the_ngrams_of_the_text(fitted):
    names = [n for c in fitted.explain("Salt, waves!") for n in c.ngram.split(" | ")]
    assert sorted(names) == ["salt", "salt waves", "waves"]
    assert fitted.explain("") == []


def test_explain_takes_the_predicted_label_by_default(fitted):
    text = TOPICS["sky"]
    assert fitted.predict([text]) == ["sky"]
    assert fitted.explain(text) == fitted.explain(text, "sky")
    with pytest.raises(ValueError, match="label must be one of"):
        fitted.explain(text, "earth")


@pytest.mark.parametrize("container", [list, np.array, "pandas", "pyarrow"])
def test_top_features_have_names(data, fitted, container):
    X, _ = data
    if isinstance(container, str):
        library = pytest.importorskip(container)
        container = library.Series if container == "pandas" else library.array
    for label in fitted.classes_:
        top = fitted.top_features(label, 8, container(X))
        assert len(top) == 8
        assert [w for _, w in top] == sorted((w for _, w in top), reverse=True)
        words = {word for ngram, _ in top for word in ngram.split()}
        own = set(TOPICS[label].split()) - {"the", "and"}
        assert len(words & own) >= 4


def test_colliding_ngrams_are_named_together():
    X, y = make_texts(TOPICS, 100)
    model = TextClassifier(n_features=4, random_state=0).fit(X, y)
    assert any(" | " in c.ngram for c in model.explain(X[0]))
    assert len(model.top_features("sea", 10, X)) == 4


def test_bad_arguments_are_named():
    model = TextClassifier()
    with pytest.raises(ValueError, match="put it into a list"):
        model.fit("one text", ["a"])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="requires y"):
        model.fit(["a", "b"], None)
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(["aa", "bb"], ["a", "b"])
    with pytest.raises(ValueError, match="labels of one kind"):
        model.fit(["aa", "bb"] * 50, np.array([1, "b"] * 50, dtype=object))
    assert not hasattr(model, "classifier_")


def test_iterators_are_read_once(data):
    X, y = data
    model = TextClassifier(n_features=2**12, random_state=0).fit(iter(X), y)
    assert model.score(iter(X), y) > 0.9
