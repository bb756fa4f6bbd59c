"""Combining replicas: against the formulas in dense NumPy, and against learning in one place."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from reference import DenseRule

from fastada import combine
from fastada.epoch import learn_sums
from fastada.rows import Rows
from fastada.scale import Scale
from fastada.settings import make_settings
from fastada.state import State
from fastada.targets import Targets

N_FEATURES = 40
RULES = {
    "comid": {},
    "comid, l1": {"alpha": 0.02, "l1_ratio": 1.0},
    "comid, l2": {"alpha": 0.05},
    "comid, elastic net": {"alpha": 0.05, "l1_ratio": 0.3},
    "rda": {"update": "rda", "alpha": 0.01, "l1_ratio": 0.5},
    "ftrl": {"update": "ftrl", "alpha": 0.1, "l1_ratio": 0.5},
}
COMID = [name for name in RULES if name.startswith("comid")]
every_rule = pytest.mark.parametrize("rule", RULES)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def rows_of(dense, dtype=np.float64):
    X = sp.csr_array(np.asarray(dense, dtype))
    return Rows(X.indptr.astype(np.int64), X.indices, X.data, X.shape[1], 10.0)


def some_rows(n_rows=60, dtype=np.float64, seed=0, n_features=N_FEATURES):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n_rows, n_features)) * (
        rng.random((n_rows, n_features)) < 3 / np.arange(1, n_features + 1)
    )
    return rows_of(dense, dtype), rng


class Problem:
    """Rows, targets, settings and a state that has already learned some of the rows."""

    def __init__(self, rule, dtype=np.float64, n_outputs=1, batch_size=1, learned=20, **more):
        self.rows, rng = some_rows(dtype=dtype)
        scale = Scale(0.5, 0.1, 0.3, 0.2)
        self.settings = make_settings(
            scale, np.dtype(dtype), 10.0, batch_size=batch_size, **{**RULES[rule], **more}
        )
        if n_outputs == 1:
            self.targets = Targets(value=rng.choice([-1.0, 1.0], self.rows.n_rows))
        else:
            label = rng.integers(n_outputs, size=self.rows.n_rows)
            self.targets = Targets(label=label, n_outputs=n_outputs)
        self.weight = np.ones(self.rows.n_rows)
        self.base = State(N_FEATURES, n_outputs, np.dtype(dtype), self.settings, 0.1, 0.2)
        self.learn(self.base, np.arange(learned))

    def learn(self, state, order, settings=None):
        order = np.asarray(order, np.int64)
        return learn_sums(
            state, settings or self.settings, self.rows, self.targets, self.weight, order
        )

    def round(self, shares):
        """Replicas after a round, the columns of each, their movements, and all their steps."""
        steps = [combine.steps_of(len(share), self.settings) for share in shares]
        replicas, columns, movements = [], [], []
        for share, n_steps in zip(shares, steps, strict=True):
            touched = combine.touched_columns(self.rows, np.asarray(share, np.int64))
            replica = combine.replica_of(self.base, touched)
            settings = combine.share_settings(self.settings, n_steps, sum(steps))
            sums = self.learn(replica, share, settings)
            movements.append(
                combine.movement_of(
                    self.base, replica, self.settings, touched, n_steps, sum(steps), *sums
                )
            )
            replicas.append(replica)
            columns.append(touched)
        return replicas, columns, movements, sum(steps)

    def combined(self, shares):
        state = self.base.copy()
        combine.apply(state, self.settings, combine.add_all(self.round(shares)[2]))
        return state


def same(a, b, settings, tolerance):
    assert a.n_steps == b.n_steps
    for one, other in [
        (a.weights(settings), b.weights(settings)),
        (a.accumulators, b.accumulators),
        (a.intercept, b.intercept),
    ]:
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@every_rule
@every_dtype
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_one_worker_gives_what_learning_in_one_place_gives(rule, dtype, n_outputs, batch_size):
    problem = Problem(rule, dtype, n_outputs, batch_size)
    share = np.arange(20, 50)
    alone = problem.base.copy()
    loss, weight = problem.learn(alone, share)
    state = problem.combined([share])
    same(state, alone, problem.settings, 1e-12 if dtype == np.float64 else 1e-5)
    (movement,) = problem.round([share])[2]
    assert (movement.loss, movement.weight) == (loss, weight)


@every_rule
@every_dtype
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("n_workers", [2, 3, 5])
def test_merging_in_one_memory_gives_the_sum_of_movements(rule, dtype, n_outputs, n_workers):
    problem = Problem(rule, dtype, n_outputs)
    shares = [np.arange(20 + k, 60, n_workers) for k in range(n_workers)]
    expected = problem.combined(shares)
    replicas, columns, movements, _ = problem.round(shares)
    n_steps = [movement.n_steps for movement in movements]
    state = problem.base.copy()
    has = []
    for replica, touched in zip(replicas, columns, strict=True):
        had = np.zeros(N_FEATURES, np.uint8)
        had[touched] = 1
        replica.records[had == 0] = state.records[had == 0]
        has.append(had)
    for begin, end in [(0, 7), (7, 7), (7, 8), (8, N_FEATURES)]:
        combine.merge_records(
            state, replicas, has, n_steps, sum(n_steps), problem.settings, begin, end
        )
    combine.merge_common(state, replicas, n_steps, problem.settings)
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    same(state, expected, problem.settings, tolerance)
    for replica in replicas:
        assert np.array_equal(replica.records, state.records)
        assert np.array_equal(replica.intercept, state.intercept)
        assert np.array_equal(replica.clock, state.clock)


@every_rule
@every_dtype
def test_columns_of_one_worker_need_that_one_alone(rule, dtype):
    problem = Problem(rule, dtype)
    shares = [np.arange(20 + k, 60, 2) for k in range(2)]
    replicas, columns, movements, _ = problem.round(shares)
    n_steps = [movement.n_steps for movement in movements]
    expected = problem.combined(shares)
    alone = np.setdiff1d(columns[0], columns[1])
    assert len(alone)
    state = problem.base.copy()
    for column in alone.tolist():
        combine.merge_records(
            state, replicas[:1], [None], n_steps[:1], sum(n_steps), problem.settings, column,
            column + 1,
        )  # fmt: skip
    state.clock[0] += sum(n_steps)
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    np.testing.assert_allclose(
        state.weights(problem.settings)[alone],
        expected.weights(problem.settings)[alone],
        rtol=tolerance,
        atol=tolerance,
    )
    np.testing.assert_allclose(
        state.accumulators[alone], expected.accumulators[alone], rtol=tolerance
    )


class Dense(DenseRule):
    """Weights of one worker, each of whose steps stands for several; written from the formulas."""

    def __init__(self, problem, pace):
        of = problem.settings
        names = {"rate": "rate", "epsilon": "epsilon", "beta": "beta", "l1": "l1", "l2": "l2"}
        super().__init__(
            N_FEATURES,
            ["comid", "rda", "ftrl"][of["update"]],
            **{name: of[key] for name, key in names.items()},
            initial_accumulator=0.0,
        )
        self.pace = pace
        state = problem.base
        self.w = state.weights(of)[:, 0].copy()
        self.G = state.accumulators[:, 0].copy()
        self.total = state.records[:, 0].copy()
        self.t = state.n_steps

    def H(self):
        return (self.beta if self.update == "ftrl" else self.epsilon) + np.sqrt(self.G)

    def shrink(self, w, H, n_steps):
        for _ in range(n_steps):
            w = np.sign(w) * np.maximum(np.abs(w) - self.rate * self.l1 / H, 0)
            w = w / (1 + self.rate * self.l2 / H)
        return w

    def shrink_closed(self, w, n_steps):
        """The same for numbers of steps that need not be whole."""
        k1, k2 = self.rate * self.l1 / self.H(), self.rate * self.l2 / self.H()
        a = (1 + k2) ** -n_steps
        lost = n_steps * k1 if self.l2 == 0 else self.l1 / self.l2 * (1 - a)
        return np.sign(w) * np.maximum(np.abs(w) * a - lost, 0)

    def step(self, g):
        pace, before = self.pace, np.sqrt(self.G)
        self.G = self.G + pace * g**2
        if self.update == "comid":
            self.w = self.shrink(self.w - self.rate * pace * g / self.H(), self.H(), pace)
            return
        self.t += pace
        self.total = self.total + pace * g
        if self.update == "ftrl":
            self.total = self.total - (np.sqrt(self.G) - before) / self.rate * self.w
        self.read()

    def read(self):
        if self.update == "rda":
            size = np.maximum(np.abs(self.total) - self.t * self.l1, 0)
            self.w = (
                -self.rate * np.sign(self.total) * size / (self.H() + self.rate * self.t * self.l2)
            )
        elif self.update == "ftrl":
            size = np.maximum(np.abs(self.total) - self.l1, 0)
            self.w = -np.sign(self.total) * size / (self.H() / self.rate + self.l2)


@every_rule
@pytest.mark.parametrize("n_workers", [1, 2, 4])
def test_combining_follows_the_formulas(rule, n_workers):
    problem = Problem(rule, fit_intercept=False, loss="squared_error")
    shares = [np.arange(20 + k, 60, n_workers) for k in range(n_workers)]
    X = sp.csr_array(
        (problem.rows.data, problem.rows.indices, problem.rows.indptr), shape=(60, N_FEATURES)
    ).toarray()
    start, workers = Dense(problem, n_workers), []
    touched = np.stack([(X[share] != 0).any(axis=0) for share in shares])
    for share in shares:
        worker = Dense(problem, n_workers)
        for row in share:
            worker.step((X[row] @ worker.w - problem.targets.value[row]) * X[row])
        workers.append(worker)
    total = Dense(problem, n_workers)
    total.G = start.G + sum((worker.G - start.G) / n_workers for worker in workers)
    if start.update == "comid":
        n_steps = 60 - 20

        def unmoved(worker):
            return start.shrink(start.w, (start.H() + worker.H()) / 2, n_steps)

        change = sum((v.w - unmoved(v)) * v.H() / n_workers for v in workers)
        total.w = unmoved(total) + change / total.H()
        alive = np.stack([worker.w for worker in workers]) != 0
        share = (alive & touched).sum(axis=0) / n_workers
        missed = np.where(unmoved(total) == 0, n_steps / 2 * (1 - share), 0)
        total.w = total.shrink_closed(total.w, missed)
        total.w[share == 0] = np.where(touched.any(axis=0), 0, total.w)[share == 0]
    else:

        def told(worker):
            if start.update == "rda":
                return 0
            return start.w * (np.sqrt(worker.G) - np.sqrt(start.G)) / start.rate

        change = sum((v.total - start.total + told(v)) / n_workers for v in workers)
        total.total = start.total + change - told(total)
        total.t += 60 - 20
        total.read()
    state = problem.combined(shares)
    weights = state.weights(problem.settings)[:, 0]
    np.testing.assert_allclose(weights, total.w, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(state.accumulators[:, 0], total.G, rtol=1e-12)


@every_rule
@given(seed=st.integers(0, 1000), n_workers=st.integers(2, 6))
def test_grouping_does_not_matter(rule, seed, n_workers):
    problem = Problem(rule)
    owner = np.random.default_rng(seed).integers(n_workers, size=60)
    shares = [np.flatnonzero(owner == k) for k in range(n_workers)]
    movements = problem.round(shares)[2]
    tree = combine.add_all(movements)
    line = movements[-1]
    for movement in movements[-2::-1]:
        line = combine.add(line, movement)
    assert np.array_equal(tree.columns, np.unique(np.concatenate([m.columns for m in movements])))
    assert np.array_equal(tree.columns, line.columns)
    assert tree.n_steps == line.n_steps == 60
    for part in ("change", "squares", "share", "intercept", "loss", "weight"):
        np.testing.assert_allclose(getattr(tree, part), getattr(line, part), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", COMID)
@every_dtype
def test_features_that_no_worker_has_shrink_by_all_steps(rule, dtype):
    problem = Problem(rule, dtype)
    common = np.arange(3, dtype=np.int32)
    few = rows_of(np.eye(3, N_FEATURES)[np.arange(60) % 3], dtype)
    alone = problem.base.copy()
    problem.rows = few
    problem.learn(alone, np.arange(20, 60))
    state = problem.combined([np.arange(20 + k, 60, 4) for k in range(4)])
    absent = np.setdiff1d(np.arange(N_FEATURES), common)
    assert np.array_equal(
        state.weights(problem.settings)[absent], alone.weights(problem.settings)[absent]
    )


@pytest.mark.parametrize("rule", COMID[1:])
def test_shrinkage_counts_once_however_many_workers_have_a_feature(rule):
    # Hinge losses of zero: no gradient, so that all that happens is the penalty.
    problem = Problem(rule, loss="hinge", learned=0, fit_intercept=False)
    problem.rows = rows_of(np.full((60, N_FEATURES), 100.0))
    problem.targets = Targets(value=np.ones(60))
    problem.settings["l1"] *= 0.1
    problem.settings["l2"] *= 0.1
    problem.base.records[:, 0] = np.linspace(0.05, 3, N_FEATURES)
    problem.base.restart_stamps(problem.settings, problem.settings)
    alone = problem.base.copy()
    problem.learn(alone, np.arange(60))
    state = problem.combined([np.arange(k, 60, 6) for k in range(6)])
    same(state, alone, problem.settings, 1e-12)


@pytest.mark.parametrize("rule", COMID[1:])
def test_shrinkage_of_a_frequent_feature_is_that_of_all_steps(rule):
    # A feature of every row. The mean of two runs with opposite gradients is the penalty's doing.
    n_rows, n_workers = 2400, 8
    left = []
    for sign in (1.0, -1.0):
        problem = Problem(rule, learned=0, loss="huber", fit_intercept=False)
        problem.rows = rows_of(np.ones((n_rows, 1)))
        problem.weight = np.ones(n_rows)
        problem.targets = Targets(value=100 * sign * np.tile([1.0, -1.0], n_rows // 2))
        problem.base = State(1, 1, np.dtype(np.float64), problem.settings, 30.0, 0.2)
        problem.base.records[:, 0] = 2.0
        alone = problem.base.copy()
        problem.learn(alone, np.arange(n_rows))
        state = problem.combined(np.split(np.arange(n_rows), n_workers))
        left.append([s.weights(problem.settings)[0, 0] for s in (alone, state)])
    sequential, combined = np.mean(left, axis=0)
    assert 0.05 < sequential < 1.8
    assert abs(combined - sequential) < 0.05 * (2 - sequential)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_what_all_workers_leave_at_zero_is_zero(n_outputs):
    problem = Problem("comid, l1", n_outputs=n_outputs, learned=60)
    problem.settings["l1"] = 5.0
    problem.base.restart_stamps(problem.settings)
    problem.base.records[:, :n_outputs] += 1e-3
    state = problem.combined([np.arange(k, 60, 4) for k in range(4)])
    weights = state.weights(problem.settings)
    assert not weights.any()


def test_a_sum_that_overflows_changes_nothing():
    problem = Problem("comid")
    movement = combine.add_all(problem.round([np.arange(20, 40), np.arange(40, 60)])[2])
    movement.change[0] = np.inf
    before = problem.base.copy()
    with pytest.raises(FloatingPointError, match="diverged"):
        combine.apply(problem.base, problem.settings, movement)
    assert np.array_equal(problem.base.records, before.records)
    assert np.array_equal(problem.base.clock, before.clock)


def test_stamps_start_again_before_they_run_out():
    problem = Problem("comid, l2", np.float32)
    weights = problem.base.weights(problem.settings).copy()
    assert not combine.make_room(problem.base, problem.settings, 2**24 - 20)
    assert combine.make_room(problem.base, problem.settings, 2**24)
    np.testing.assert_array_equal(problem.base.weights(problem.settings), weights)
    with pytest.raises(ValueError, match=r"16,777,216 steps.*synchronise more often"):
        combine.make_room(problem.base, problem.settings, 2**24 + 1)
    assert not combine.make_room(Problem("rda").base, Problem("rda").settings, 2**40)


@pytest.mark.parametrize("n_features", [N_FEATURES, 1000 * N_FEATURES])
@pytest.mark.parametrize("share", [[], [3], [5, 1, 5], range(60)])
def test_touched_columns_are_those_of_the_rows(n_features, share):
    few = some_rows()[0]
    rows = Rows(few.indptr, few.indices, few.data, n_features, 10.0)
    columns = combine.touched_columns(rows, np.array(share, np.int64))
    expected = sorted({j for i in share for j in few.indices[few.indptr[i] : few.indptr[i + 1]]})
    assert columns.tolist() == expected
    assert columns.dtype == np.int32
