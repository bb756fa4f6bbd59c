"""The update rules on cases worked out by hand, and the catch-up against single steps.

By hand means: two features, three or four steps, one feature absent in between, every number
written out. With the squared loss a row x with target y has the gradient (w.x - y) x, and the
targets are chosen to make it -3, then -4 or +4, then -12, so that with G_0 = 0 the root of G is
3, then 5, then 13. epsilon = 1 makes H = 4, 6, 14.
"""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastada import AdaGradClassifier, AdaGradRegressor


def weights_after_each_step(X, y, *, l1, l2, **parameters):
    """Fit the first row, the first two, ...; give the weights of each and the last model."""
    alpha = l1 + l2
    weights = []
    for n_rows in range(1, len(y) + 1):
        model = AdaGradRegressor(
            learning_rate=0.5,
            initial_accumulator=0.0,
            alpha=alpha,
            l1_ratio=l1 / alpha if alpha else 0.0,
            shuffle=False,
            max_iter=1,
            fit_intercept=False,
            **parameters,
        ).fit(sp.csr_array(np.array(X[:n_rows], dtype=float)), y[:n_rows])
        weights.append(model.coef_)
    return weights, model


def assert_steps(X, y, expected, sum_sq_grad, **parameters):
    weights, model = weights_after_each_step(X, y, **parameters)
    np.testing.assert_allclose(weights, expected, rtol=1e-13, atol=0)
    np.testing.assert_allclose(model.sum_sq_grad_, sum_sq_grad, rtol=1e-13)
    assert model.t_ == len(y)


# -- COMID: u = w - eta g / H, w <- sign(u) max(|u| - eta l1 / H, 0) / (1 + eta l2 / H) --------


def test_comid_without_penalty():
    X = [(1, 1), (2, 0), (0, 1)]
    # 1: w.x = 0, slope -3, g = (-3, -3), G = (9, 9), H = (4, 4): w = 0 + .5 * 3 / 4 = .375, twice.
    # 2: w.x = .75, slope -2, g1 = -4, G1 = 25, H1 = 6: w1 = .375 + .5 * 4 / 6 = 17/24.
    # 3: w.x = .375, slope -4, g2 = -4, G2 = 25: w2 likewise.
    y = [3, 0.75 + 2, 0.375 + 4]
    expected = [(0.375, 0.375), (17 / 24, 0.375), (17 / 24, 17 / 24)]
    assert_steps(X, y, expected, (25, 25), update="comid", epsilon=1.0, l1=0, l2=0)


def test_comid_l1():
    X = [(1, 1), (2, 0), (0, 1)]
    # l1 = .4 takes eta l1 / H = .2 / 4 = .05 off while H = 4, .2 / 6 = 1/30 while H = 6.
    # 1: w = .375 - .05 = .325, twice.
    # 2: w.x = .65, slope -2, g1 = -4, H1 = 6: w1 = .325 + 2/6 - .2/6 = .325 + .3 = .625;
    #    feature 2 is absent: w2 = .325 - .05 = .275.
    # 3: w.x = .275, slope -4, g2 = -4, H2 = 6: w2 = .275 + .3 = .575;
    #    feature 1 is absent: w1 = .625 - 1/30 = 71/120.
    y = [3, 0.65 + 2, 0.275 + 4]
    expected = [(0.325, 0.325), (0.625, 0.275), (71 / 120, 0.575)]
    assert_steps(X, y, expected, (25, 25), update="comid", epsilon=1.0, l1=0.4, l2=0)


def test_comid_l2():
    X = [(1, 1), (2, 0), (0, 1)]
    # l2 = 2 divides by 1 + eta l2 / H = 1 + 1/4 = 5/4 while H = 4, by 1 + 1/6 = 7/6 while H = 6.
    # 1: w = .375 / (5/4) = .3, twice.
    # 2: w.x = .6, slope -2, g1 = -4, H1 = 6: w1 = (.3 + 1/3) * 6/7 = 19/30 * 6/7 = 19/35;
    #    feature 2 is absent: w2 = .3 / (5/4) = .24.
    # 3: w.x = .24, slope -4, g2 = -4, H2 = 6: w2 = (.24 + 1/3) * 6/7 = 43/75 * 6/7 = 86/175;
    #    feature 1 is absent: w1 = 19/35 * 6/7 = 114/245.
    y = [3, 0.6 + 2, 0.24 + 4]
    expected = [(0.3, 0.3), (19 / 35, 0.24), (114 / 245, 86 / 175)]
    assert_steps(X, y, expected, (25, 25), update="comid", epsilon=1.0, l1=0, l2=2)


def test_comid_elastic_net():
    X = [(1, 1), (2, 0), (0, 1)]
    # Both of the above: first subtract, then divide.
    # 1: w = (.375 - .05) / (5/4) = .26, twice.
    # 2: w.x = .52, slope -2, g1 = -4, H1 = 6: w1 = (.26 + 1/3 - 1/30) * 6/7 = .56 * 6/7 = .48;
    #    feature 2 is absent: w2 = (.26 - .05) / (5/4) = .168.
    # 3: w.x = .168, slope -4, g2 = -4, H2 = 6: w2 = (.168 + .3) * 6/7 = 351/875;
    #    feature 1 is absent: w1 = (.48 - 1/30) * 6/7 = 67/150 * 6/7 = 67/175.
    y = [3, 0.52 + 2, 0.168 + 4]
    expected = [(0.26, 0.26), (0.48, 0.168), (67 / 175, 351 / 875)]
    assert_steps(X, y, expected, (25, 25), update="comid", epsilon=1.0, l1=0.4, l2=2)


def test_comid_with_the_logistic_loss_of_a_classifier():
    """d loss / d margin = -1/2 at margin 0 for the positive class, 1 / (1 + exp(-.25)) later."""
    # 1, positive: g = -(6, 8) / 2 = (-3, -4), H = 1 + (3, 4) = (4, 5); eta = .5, l1 = .4:
    #    w = .5 * (3, 4) / (4, 5) - .5 * .4 / (4, 5) = (.375 - .05, .4 - .04) = (.325, .36).
    # 2, negative, x = (0, 25/36) with w.x = .25: slope 1 / (1 + exp(-.25)) = .562176500885798,
    #    g2 = .390400347837360, G2 = 16.152412431591532, H2 = 5.019006398550708:
    #    w2 = .36 - (.5 * .390400347837360 + .2) / 5.019006398550708 = .281259280714845;
    #    feature 1 is absent: w1 = .325 - .05 = .275.
    X = sp.csr_array([[6.0, 8.0], [0.0, 25 / 36]])
    model = AdaGradClassifier(
        learning_rate=0.5,
        initial_accumulator=0.0,
        epsilon=1.0,
        alpha=0.4,
        l1_ratio=1.0,
        shuffle=False,
        max_iter=1,
        fit_intercept=False,
    ).fit(X, [1, 0])
    np.testing.assert_allclose(model.coef_, [[0.275, 0.281259280714845]], rtol=1e-14)
    np.testing.assert_allclose(model.sum_sq_grad_, [[9, 16.152412431591532]], rtol=1e-14)


# -- RDA: lightning (adagrad_fast.pyx) takes with s = sum of g, D = delta + sqrt(G) + eta t l2
#        eta t (-s / t - l1) / D  where that is positive,
#        eta t (-s / t + l1) / D  where that is negative, else 0  -----------------------------


def test_rda_is_lightnings_formula():
    X = [(1, 1), (2, 0), (0, 1), (0, 1)]
    # eta = .5, l1 = .4, l2 = 2, delta = 1.
    # 1: slope -3, s = (-3, -3), D = 1 + 3 + .5 * 1 * 2 = 5: w = .5 * (3 - .4) / 5 = .26, twice.
    # 2: w.x = .52, slope -2, g1 = -4, s1 = -7, D1 = 1 + 5 + 2 = 8:
    #    w1 = 1 * (3.5 - .4) / 8 = .3875;
    #    feature 2 is absent: -s2 / t = 1.5, D2 = 1 + 3 + 2 = 6: w2 = 1 * (1.5 - .4) / 6 = 11/60.
    # 3: w.x = 11/60, slope +4, g2 = 4, s2 = 1, -s2 / t = -1/3: -1/3 - .4 < 0 < -1/3 + .4: w2 = 0;
    #    feature 1 is absent: -s1 / t = 7/3, D1 = 1 + 5 + 3 = 9: w1 = 1.5 * (7/3 - .4) / 9 = 29/90.
    # 4: w.x = 0, slope 12, g2 = 12, s2 = 13, -s2 / t = -3.25, D2 = 1 + 13 + 4 = 18:
    #    w2 = 2 * (-3.25 + .4) / 18 = -19/60;
    #    feature 1 is absent: -s1 / t = 1.75, D1 = 1 + 5 + 4 = 10: w1 = 2 * (1.75 - .4) / 10 = .27.
    y = [3, 0.52 + 2, 11 / 60 - 4, -12]
    expected = [(0.26, 0.26), (0.3875, 11 / 60), (29 / 90, 0), (0.27, -19 / 60)]
    assert_steps(X, y, expected, (25, 169), update="rda", epsilon=1.0, l1=0.4, l2=2)


# -- FTRL-Proximal: McMahan et al. (2013), Algorithm 1, their alpha = eta ----------------------


def test_ftrl_is_algorithm_1():
    X = [(1, 1), (2, 0), (0, 1), (0, 1)]
    # eta = .5, beta = 1, l1 = 1, l2 = 2; w = -(z - sign(z) l1) / ((beta + sqrt n) / eta + l2).
    # 1: slope -3, g = -3, sigma = (3 - 0) / .5 = 6, z = -3 - 6 * 0 = -3, n = 9:
    #    w = (3 - 1) / ((1 + 3) / .5 + 2) = 2 / 10 = .2, twice.
    # 2: w.x = .4, slope -2, g1 = -4, sigma = (5 - 3) / .5 = 4, z1 = -3 - 4 - 4 * .2 = -7.8,
    #    n1 = 25: w1 = (7.8 - 1) / ((1 + 5) / .5 + 2) = 6.8 / 14 = 17/35;
    #    feature 2 is absent, and nothing of it moves.
    # 3: w.x = .2, slope 4, g2 = 4, sigma = 4, z2 = -3 + 4 - 4 * .2 = .2: |z2| <= l1, so w2 = 0.
    # 4: w.x = 0, slope -12, g2 = -12, sigma = (13 - 5) / .5 = 16, z2 = .2 - 12 - 16 * 0 = -11.8,
    #    n2 = 169: w2 = (11.8 - 1) / ((1 + 13) / .5 + 2) = 10.8 / 30 = .36.
    y = [3, 0.4 + 2, 0.2 - 4, 12]
    expected = [(0.2, 0.2), (17 / 35, 0.2), (17 / 35, 0), (17 / 35, 0.36)]
    assert_steps(X, y, expected, (25, 169), update="ftrl", beta=1.0, l1=1, l2=2)


def test_ftrl_with_the_logistic_loss_of_algorithm_1():
    """Its p = 1 / (1 + exp(-x.w)) and g = (p - y) x with y in {0, 1}."""
    # 1, y = 1: p = .5, g = -(6, 8) / 2 = (-3, -4), z = (-3, -4), n = (9, 16):
    #    w1 = (3 - 1) / ((1 + 3) / .5 + 2) = .2, w2 = (4 - 1) / ((1 + 4) / .5 + 2) = .25.
    # 2, y = 0, x = (1, 0): p = 1 / (1 + exp(-.2)) = .549833997312478 = g1,
    #    n1 = 9.302317424600618, its root 3.049970069459800, sigma = .049970069459800 / .5 =
    #    .099940138919600, z1 = -3 + .549833997312478 - .099940138919600 * .2 = -2.470154030471442:
    #    w1 = 1.470154030471442 / (4.049970069459800 / .5 + 2) = .145560667711908.
    model = AdaGradClassifier(
        update="ftrl",
        learning_rate=0.5,
        initial_accumulator=0.0,
        beta=1.0,
        alpha=3.0,
        l1_ratio=1 / 3,
        shuffle=False,
        max_iter=1,
        fit_intercept=False,
    ).fit(sp.csr_array([[6.0, 8.0], [1.0, 0.0]]), [1, 0])
    np.testing.assert_allclose(model.coef_, [[0.145560667711908, 0.25]], rtol=1e-14)
    np.testing.assert_allclose(model.sum_sq_grad_, [[9.302317424600618, 16]], rtol=1e-14)


# -- true zeros --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize(("update", "alpha"), [("comid", 0.1), ("rda", 0.02), ("ftrl", 8.0)])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_l1_gives_true_zeros_and_keeps_what_the_labels_need(
    update, alpha, l1_ratio, dtype, n_classes
):
    """The first columns tell the classes apart, the others are noise."""
    rng = np.random.default_rng(0)
    label = rng.integers(n_classes, size=400)
    noise = rng.random((400, 50)) < 0.1
    X = sp.csr_array(np.hstack([np.eye(n_classes)[label], noise]).astype(dtype))
    model = AdaGradClassifier(
        update=update, alpha=alpha, l1_ratio=l1_ratio, random_state=0, max_iter=10
    ).fit(X, label)
    n_zeros = np.sum(model.coef_[:, n_classes:] == 0)
    assert n_zeros > 0.5 * model.coef_[:, n_classes:].size
    assert model.n_nonzero_ == np.count_nonzero(model.coef_) > 0
    assert model.score(X, label) == 1.0
    unpenalised = AdaGradClassifier(update=update, random_state=0, max_iter=10).fit(X, label)
    assert np.all(unpenalised.coef_ != 0)


@pytest.mark.parametrize("update", ["comid", "rda", "ftrl"])
def test_a_huge_l1_leaves_nothing(update):
    X = sp.csr_array(np.random.default_rng(0).normal(size=(20, 5)))
    model = AdaGradRegressor(update=update, alpha=1e12, l1_ratio=1.0).fit(X, np.arange(20.0))
    assert model.n_nonzero_ == 0


# -- the catch-up ------------------------------------------------------------------------------


def step_by_step(weight, H, rate, l1, l2, n_steps):
    """n_steps proximal steps of one coordinate whose gradient is zero."""
    for _ in range(n_steps):
        size = max(abs(weight) - rate * l1 / H, 0.0) / (1 + rate * l2 / H)
        weight = size if weight > 0 else -size
    return weight


def caught_up(value, rate, l1, l2, n_steps, dtype):
    """Weight after one step with gradient -value from zero, and after n_steps more without."""
    X = sp.csr_array(
        (
            np.ones(n_steps + 1, dtype),
            np.r_[0, np.ones(n_steps, np.int32)],
            np.arange(n_steps + 2),
        ),
        shape=(n_steps + 1, 2),
    )
    alpha = l1 + l2
    model = AdaGradRegressor(
        learning_rate=rate,
        initial_accumulator=0.0,
        alpha=alpha,
        l1_ratio=l1 / alpha,
        shuffle=False,
        max_iter=1,
        fit_intercept=False,
        epsilon=1.0,
    )
    y = np.r_[value, np.zeros(n_steps)]
    return model.fit(X, y).coef_[0]


lambdas = st.sampled_from([0.0, 1e-300, 1e-18, 1e-12, 1e-7, 1e-5, 1e-3, 0.1, 10.0, 1e6, 1e12])


@pytest.mark.parametrize(("dtype", "digits"), [(np.float64, 1e-12), (np.float32, 2e-6)])
def test_the_catch_up_equals_single_steps(dtype, digits):
    @given(
        st.sampled_from([1.0, -1.0, 3.0, -1e-3, 1e3]),
        st.sampled_from([0.01, 1.0, 30.0]),
        lambdas,
        lambdas,
        st.integers(0, 10_000),
    )
    @settings(max_examples=150, deadline=None)
    @example(1.0, 1.0, 0.0, 1e-5, 10_000)
    @example(1.0, 1.0, 1e-5, 0.0, 10_000)
    @example(-1.0, 1.0, 1e-5, 1e-5, 10_000)
    @example(1.0, 1.0, 1e-5, 1e-18, 10_000)
    @example(1.0, 1.0, 1e12, 1e12, 1)
    def check(value, rate, l1, l2, n_steps):
        if l1 + l2 == 0:
            return
        H = 1 + abs(value)
        u = rate * value / H
        largest = abs(u) / (1 + rate * l2 / H)
        # 10,000 roundings of float64 would add up to what is asked for.
        u, H, rate_, l1_, l2_ = (np.longdouble(number) for number in (u, H, rate, l1, l2))
        expected = step_by_step(
            np.sign(u) * max(abs(u) - rate_ * l1_ / H, 0) / (1 + rate_ * l2_ / H),
            H, rate_, l1_, l2_, n_steps,
        )  # fmt: skip
        actual = caught_up(value, rate, l1, l2, n_steps, dtype)
        assert abs(actual - expected) <= digits * largest

    check()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_catch_up_keeps_its_digits_where_one_step_is_below_rounding(dtype):
    """In single precision 1 + 2e-8 is 1, but 10,000 divisions by 1 + 2e-8 must tell."""
    # H = 2, kappa = 4e-8 / 2 = 2e-8: .5 exp(-10001 log1p(2e-8)) = .5 - .5 * .000200 + ...
    kept = caught_up(1.0, 1.0, 0.0, 4e-8, 10_000, np.float64)
    np.testing.assert_allclose(kept, 0.5 * np.exp(-10_001 * np.log1p(2e-8)), rtol=1e-14)
    lost = 0.5 - caught_up(1.0, 1.0, 0.0, 4e-8, 10_000, dtype)
    # 0.5 itself has a spacing of 3e-8 to 6e-8 in single precision.
    np.testing.assert_allclose(lost, 0.5 - kept, atol=1e-7 if dtype == np.float32 else 1e-15)
