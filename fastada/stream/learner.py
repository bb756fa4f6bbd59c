"""A state under training, which learns the rows of a file as they are handed to it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastada.epoch import learn
from fastada.formats import FormatError
from fastada.frozen import CANNOT_GO_ON, FrozenState
from fastada.memory import aligned_zeros
from fastada.persistence.linear import Linear
from fastada.persistence.text import TermCounts
from fastada.rows import Rows
from fastada.scale import Moments, Scale, first_rows, scale_of
from fastada.settings import Settings, is_stamped, make_settings, pulls_of
from fastada.state import State
from fastada.stream.counts import Counts
from fastada.stream.options import Features, Learning
from fastada.stream.pool import Pool, as_rows
from fastada.stream.trained import Trained
from fastada.targets import Targets
from fastada.text.hashed_rows import HashedRows

if TYPE_CHECKING:
    from fastada.search import RateSearch


class Learner:
    """A state under training.

    Where few of the columns occur, and no others will, the state has a place for those alone.
    """

    def __init__(
        self,
        counts: Counts,
        features: Features,
        learning: Learning,
        *,
        all_seen: bool,
        previous: Trained | None = None,
    ) -> None:
        if len(counts.labels) < 2:
            found = ", ".join(counts.labels) or "none"
            raise FormatError(f"there is one label or none ({found}): nothing to tell apart")
        # Outputs keep their places.
        self.classes = sorted(counts.labels) if previous is None else list(counts.labels)
        self.rank = np.empty(len(self.classes), np.int64)
        for position, label in enumerate(self.classes):
            self.rank[counts.labels[label]] = position
        self.n_outputs = 1 if len(self.classes) == 2 else len(self.classes)
        self.features, self.learning = features, learning
        self.state: State | None = None
        self.settings: Settings | None = None
        self.scale: Scale | None = None
        self.columns: NDArray[np.int32] | None = None
        self.position: NDArray[np.int32] | None = None
        self.n_columns = features.n_features
        all_seen = all_seen and (previous is None or previous.linear.columns is not None)
        columns = counts.columns() if all_seen else None
        if columns is not None and len(columns) <= features.n_features // 2:
            self.columns = columns
            self.n_columns = max(1, len(columns))
            self.position = np.zeros(features.n_features, np.int32)
            self.position[columns] = np.arange(len(columns))
        self.searches = learning.learning_rate == "auto"
        # Of them all, where they have been counted.
        self.n_rows = counts.n_rows if all_seen else None
        self.search: RateSearch | None = None
        # Whether rows are learned for the first time; losses and weights of those that were.
        self.first = True
        self.progress = (0.0, 0.0) if previous is None else previous.progress
        self.multinomial = previous is not None and previous.multinomial
        self.labels = None if previous is None else previous.labels
        self.link = (1.0, 0.0) if previous is None else (previous.temperature, previous.offset)
        if previous is not None:
            self._take_over(previous.linear)

    @cached_property
    def random(self) -> np.random.Generator:
        """The source of orders; NumPy's is loaded by who asks for it."""
        return np.random.default_rng(self.learning.seed)

    @property
    def search_rows(self) -> int:
        """Rows that the learning rate is searched on."""
        from fastada.search import CHOOSE_ROWS

        return CHOOSE_ROWS[0]

    def learn(self, pool: Pool) -> tuple[float, int]:
        """Learn the rows of a pool once; return their mean loss and their number."""
        if self.position is not None:
            pool.relabel(self.position)
        rows, weight = pool.rows(self.n_columns), pool.row_weights()
        targets = self._targets(pool.label_codes())
        state, settings = self._ready(rows, targets, weight)
        order = self.order(weight)
        n = self._n_replicas(rows, targets)
        losses = np.full(rows.n_rows, np.nan)
        if n == 1:
            visits = np.empty((len(order), 1))
            loss = learn(state, settings, rows, targets, weight, order, row_loss=visits)
            losses[order] = visits[:, 0]
        else:
            from fastada.threads import Team, check_replicas

            check_replicas(state, n)
            shares = [order[k::n].copy() for k in range(n)]
            with Team(rows, targets, weight, shares, n_syncs=1) as team:
                loss = team.learn(state, settings, lambda share, _: share, losses)
        if self.first:
            before, weight_before = self.progress
            self.progress = (
                before + float((weight[order] * losses[order]).sum()),
                weight_before + float(weight.sum()),
            )
        return loss, len(order)

    def _n_replicas(self, rows: Rows, targets: Targets) -> int:
        n = self.learning.learners
        if n > 1:
            from fastada.threads import useful_threads

            n = useful_threads(n, rows, targets)
        return n

    def order(self, weight: NDArray[np.float64]) -> NDArray[np.int64]:
        """Rows that have a weight, in the order they are to be learned in."""
        order = np.flatnonzero(weight).astype(np.int64)
        if self.learning.shuffle:
            self.random.shuffle(order)
        return order

    def begin(
        self, found: HashedRows, codes: NDArray[np.int64], weight: NDArray[np.float64]
    ) -> None:
        """Find scale, rate and room for the weights, by the rows that will be learned first."""
        rows = as_rows(found.columns, found.values, found.row_sizes, self.n_columns)
        self._ready(rows, self._targets(codes), weight)

    def learn_rows(
        self, found: HashedRows, codes: NDArray[np.int64], weight: NDArray[np.float64]
    ) -> float:
        """Learn rows in the order they are in, for the first time; return their mean loss."""
        rows = as_rows(found.columns, found.values, found.row_sizes, self.n_columns)
        targets = self._targets(codes)
        state, settings = self._ready(rows, targets, weight)
        loss = learn(state, settings, rows, targets, weight, rows.in_order())
        total, weight_total = self.progress
        self.progress = total + loss * float(weight.sum()), weight_total + float(weight.sum())
        return loss

    def trained(self, counts: TermCounts, losses: list[float]) -> Trained:
        """Give what has been learned."""
        assert self.state is not None
        assert self.settings is not None
        assert self.scale is not None
        n_features = self.features.n_features
        linear = Linear(self.state, self.settings, self.scale, n_features, self.columns)
        return Trained(
            self.features,
            self.classes,
            linear,
            counts,
            self.learning,
            losses,
            self.multinomial,
            self.labels,
            self.progress,
            *self.link,
        )

    def _take_over(self, linear: Linear) -> None:
        """Go on from a state, under the settings of this training."""
        old, learning, settings = linear.state, self.learning, linear.settings.copy()
        self.scale = linear.scale.with_rate(learning.learning_rate)
        settings["rate"] = self.scale.rate
        settings["intercept_rate"] = self.scale.intercept_rate
        settings["l1"] = float(learning.alpha * learning.l1_ratio)
        settings["l2"] = float(learning.alpha * (1 - learning.l1_ratio))
        if isinstance(old, FrozenState):
            raise ValueError(CANNOT_GO_ON)
        if is_stamped(settings) != is_stamped(linear.settings):
            raise ValueError(
                "a model that was trained without a penalty goes on without one, and one that was "
                "trained with a penalty goes on with one; see --alpha"
            )
        records = aligned_zeros((self.n_columns, old.records.shape[1]), old.dtype)
        records[:, self.n_outputs : 2 * self.n_outputs] = self.scale.accumulator
        places: Any = slice(None) if linear.columns is None else linear.columns
        if self.position is not None:
            places = self.position[places]
        records[places] = old.records
        self.state = State.restored(records, old.intercept, old.clock, old.n_epochs, old.seed)
        self.settings = settings
        if is_stamped(settings) and pulls_of(settings) != pulls_of(linear.settings):
            self.state.restart_stamps(linear.settings, settings)

    def _ready(
        self, rows: Rows, targets: Targets, weight: NDArray[np.float64]
    ) -> tuple[State, Settings]:
        if self.state is None or self.settings is None:
            self._begin(rows, targets, weight)
        assert self.state is not None
        assert self.settings is not None
        self.settings["largest_value"] = rows.largest_value
        return self.state, self.settings

    def _targets(self, codes: NDArray[np.int64]) -> Targets:
        label = self.rank[codes]
        if self.n_outputs == 1:
            return Targets(value=np.where(label == 1, 1.0, -1.0))
        return Targets(label=label, n_outputs=self.n_outputs, multinomial=self.multinomial)

    def _begin(self, rows: Rows, targets: Targets, weight: NDArray[np.float64]) -> None:
        learning = self.learning
        moments = Moments.of(rows, first_rows(weight))
        scale = scale_of(moments, learning.learning_rate, "auto")
        dtype = np.dtype(np.float32)

        def settings_of(scale: Scale) -> Settings:
            return make_settings(
                scale, dtype, rows.largest_value, alpha=learning.alpha, l1_ratio=learning.l1_ratio
            )

        if self.searches:
            from fastada.search import search_rate

            looked_at = np.flatnonzero(weight[: self.search_rows])
            order = np.random.default_rng(0).permutation(looked_at).astype(np.int64)
            scale, self.search = search_rate(
                rows,
                targets,
                weight,
                order,
                scale,
                settings_of,
                n_visits=self.n_rows,
                n_replicas=self._n_replicas(rows, targets),
            )
        self.scale, self.settings = scale, settings_of(scale)
        self.state = State(
            rows.n_features,
            self.n_outputs,
            dtype,
            self.settings,
            scale.accumulator,
            scale.intercept_accumulator,
        )
