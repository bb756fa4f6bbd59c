"""The client's side: which worker has which share, and what becomes of it when a worker dies.

All that workers do are tasks whose futures are held here and let go as soon as they have served,
so that a client that goes takes everything along. Whatever a dead worker had is asked for anew, of
another worker; what the others have told of the round stands. Shares, their order, and the
order in which movements are added stay as they were, and so does the result, to the bit.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, wait
from typing import Any

from distributed import Client, Future, KilledWorker
from distributed.comm import CommClosedError

from fastada import combine
from fastada.dask import rounds
from fastada.dask.partitions import Partition
from fastada.dask.rounds import Base, Model, Round, Snapshot, StaleError, Told
from fastada.dask.shares import Share, WordCounts, collect, encode

# Seconds between looks at who is there.
LOOK = 0.5
# A share that has been lost with so many workers is what kills them.
MOST_LOSSES = 3
HELD = ("pending", "finished")
# Workers to which one passes a sum on.
FAN_OUT = 4


class LostError(RuntimeError):
    """A worker has gone, and with it what we waited for."""


class Team:
    """Workers and their shares.

    Parameters
    ----------
    client : Client
    partitions : list of list of Partition
        Those of each share.
    owners : list of str
        The worker of each share.
    collected_by : tuple
        Arguments of `collect` before the partitions.
    """

    def __init__(
        self,
        client: Client,
        partitions: list[list[Partition]],
        owners: list[str],
        collected_by: tuple[Any, ...],
    ) -> None:
        self.client, self.partitions, self.owners = client, partitions, owners
        self.numbers = range(len(owners))
        self._collected_by = collected_by
        self._encoded_by: tuple[Any, ...] = ()
        self._model: Model | None = None
        self._start: Snapshot | None = None
        self._counts: WordCounts | None = None
        self._tables: dict[int, Future[Any]] = {}
        self._shares: dict[int, Future[Any]] = {}
        self._movements: dict[int, Future[Any]] = {}
        self._bases: dict[str, Future[Any]] = {}
        self._losses: Counter[int] = Counter()
        self._n_stale = 0

    def close(self) -> None:
        """Let go of everything."""
        for futures in (self._tables, self._shares, self._movements, self._bases):
            _drop(futures, list(futures))

    # -- asking ------------------------------------------------------------------------------

    def of_tables(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Give function(table, *args) of each share."""
        found: list[Any] = self._persist(
            lambda: self._gather(
                self._submit(self.owners[k], function, self._table(k), *args) for k in self.numbers
            )
        )
        return found

    def sum_of_tables(
        self, function: Callable[..., Any], add: Callable[..., Any], *args: Any
    ) -> Any:
        """Give the sum of function(table, *args) over the shares, added up on the workers."""
        return self._persist(
            lambda: self._gather(
                [
                    self._tree(
                        add,
                        [
                            self._submit(self.owners[k], function, self._table(k), *args)
                            for k in self.numbers
                        ],
                    )
                ]
            )[0]
        )

    def encode(
        self, function: Callable[[Share], Any], counts: WordCounts | None, *encoded_by: Any
    ) -> list[Any]:
        """Make shares of the tables, which are let go; give function(share) of each."""
        self._counts, self._encoded_by = counts, encoded_by
        found: list[Any] = self._persist(
            lambda: self._gather(
                self._submit(self.owners[k], function, self._share(k)) for k in self.numbers
            )
        )
        _drop(self._tables, list(self._tables))
        return found

    def of_samples(
        self, function: Callable[..., Any], draw: Callable[..., Any], n: int, *args: Any
    ) -> Any:
        """Give function([draw(share, n) of each share], *args, n), worked out on one worker."""

        def ask() -> Any:
            samples = [self._submit(self.owners[k], draw, self._share(k), n) for k in self.numbers]
            return self._gather([self._submit(None, function, samples, *args, n)])[0]

        return self._persist(ask)

    def start(self, model: Model, snapshot: Snapshot | None) -> None:
        """Train this model, from the snapshot on if there is one."""
        self._model, self._start = model, snapshot

    def learn(self, turn: Round, steps_to_come: int) -> Told:
        """Do a round."""
        is_done = False
        while True:
            try:
                return self._learn(turn, steps_to_come, is_done=is_done)
            except LostError as error:
                is_done = self._recover(turn.number, error) > turn.number

    def ask_base(self, function: Callable[[Base], Any], n_rounds: int) -> Any:
        """Give function(base), of one of the workers, after so many rounds."""
        while True:
            try:
                owner = self.owners[0]
                return self._gather([self._submit(owner, function, self._base(owner))])[0]
            except LostError as error:
                self._recover(n_rounds, error)

    def rebalance(self, n_rounds: int) -> None:
        """Give a worker that has come meanwhile a share of one that has had to take another's."""
        idle = sorted(self._live().keys() - set(self.owners))
        held = Counter(self.owners)
        moved = False
        for worker in idle:
            busiest = max(sorted(held), key=held.__getitem__)
            if not self._losses or held[busiest] < 2:
                break
            share = next(k for k in self.numbers if self.owners[k] == busiest and self._losses[k])
            self._give(share, worker)
            held = Counter(self.owners)
            moved = True
        if moved:
            self._persist(lambda: self._align(n_rounds))

    # -- futures -----------------------------------------------------------------------------

    def _submit(self, worker: str | None, function: Callable[..., Any], *args: Any) -> Future[Any]:
        workers = None if worker is None else [worker]
        return self.client.submit(function, *args, workers=workers, pure=False)

    def _tree(self, add: Callable[..., Any], futures: list[Future[Any]]) -> Future[Any]:
        """Add up, neighbours first, where the scheduler finds that least has to travel."""
        while len(futures) > 1:
            pairs = [futures[i : i + 2] for i in range(0, len(futures), 2)]
            futures = [
                self._submit(None, add, *pair) if len(pair) == 2 else pair[0] for pair in pairs
            ]
        return futures[0]

    def _passed_on(self, total: Future[Any] | None, owners: list[str]) -> list[Any]:
        """Give each worker the sum to fetch from another that has it, each serving a few."""
        if total is None:
            return [None] * len(owners)
        totals: list[Any] = []
        source = total
        for k in range(len(owners)):
            if k and k % FAN_OUT == 0:
                server = k // FAN_OUT - 1
                source = self._submit(owners[server], rounds.same, totals[server])
            totals.append(source)
        return totals

    def _table(self, k: int) -> Future[Any]:
        if k not in self._tables:
            # Loaded where they will be used, but not at all costs.
            parts = [part for column in zip(*self.partitions[k], strict=True) for part in column
                     if part is not None]  # fmt: skip
            delayed = [part for part in parts if not isinstance(part, Future)]
            loaded = iter(
                self.client.compute(
                    delayed,
                    workers=[self.owners[k]],
                    allow_other_workers=True,
                    optimize_graph=False,
                )
            )
            parts = [part if isinstance(part, Future) else next(loaded) for part in parts]
            n = len(self.partitions[k])
            self._tables[k] = self._submit(self.owners[k], collect, *self._collected_by, n, *parts)
        return self._tables[k]

    def _share(self, k: int) -> Future[Any]:
        if k not in self._shares:
            owner = self.owners[k]
            self._shares[k] = self._submit(
                owner, encode, self._table(k), self._shipped(self._counts, owner), *self._encoded_by
            )
        return self._shares[k]

    def _base(self, worker: str) -> Future[Any]:
        if worker not in self._bases:
            start = self._shipped(self._start, worker)
            self._bases[worker] = self._submit(worker, Base, self._model, start)
        return self._bases[worker]

    def _shipped(self, value: Any, worker: str) -> Any:
        """Send what is too large for a task's arguments."""
        return None if value is None else self.client.scatter(value, workers=[worker], hash=False)

    def _learn(self, turn: Round, steps_to_come: int, *, is_done: bool) -> Told:
        total, number = None, turn.number
        if not is_done:
            for k in self.numbers:
                if k not in self._movements:
                    owner = self.owners[k]
                    self._movements[k] = self._submit(
                        owner, rounds.learn, self._base(owner), self._share(k), k, turn
                    )
            total = self._tree(combine.add, [self._movements[k] for k in self.numbers])
        owners = list(dict.fromkeys(self.owners))
        totals = self._passed_on(total, owners)
        try:
            told: list[Told] = self._gather(
                self._submit(owner, rounds.move, self._base(owner), one, number, steps_to_come)
                for owner, one in zip(owners, totals, strict=True)
            )
        finally:
            _release(one for one in set(totals) if one is not None)
        _drop(self._movements, list(self._movements))
        _drop(self._tables, list(self._tables))
        return told[0]

    # -- losing workers ----------------------------------------------------------------------

    def _live(self) -> dict[str, int]:
        return dict(self.client.nthreads())

    def _gather(self, futures: Iterable[Future[Any]]) -> list[Any]:
        """Give results; LostError as soon as a worker has gone."""
        futures = list(futures)

        async def gather() -> list[Any]:
            return list(await self.client.gather(futures, asynchronous=True))

        # Not `wait`, and then `gather`: a result may be lost between them.
        asking = asyncio.run_coroutine_threadsafe(gather(), self.client.loop.asyncio_loop)
        try:
            while not wait([asking], timeout=LOOK).done:
                gone = set(self.owners) - self._live().keys()
                if gone:
                    raise LostError(f"lost {sorted(gone)}")
            return asking.result()
        except (StaleError, KilledWorker, CancelledError, CommClosedError) as error:
            raise LostError(str(error)) from error
        finally:
            _release(futures)

    def _persist(self, ask: Callable[[], Any]) -> Any:
        """Ask until there is an answer, or nobody left to ask."""
        while True:
            try:
                return ask()
            except LostError as error:
                self._replace_lost(error)

    def _replace_lost(self, error: LostError) -> None:
        """Give the shares of workers that have gone to others, and forget what they had."""
        live = self._live()
        if not live:
            raise RuntimeError(
                "all workers have gone. Training can go on from a checkpoint: fit(..., "
                "checkpoint=path, resume=True)"
            ) from error
        gone = [k for k in self.numbers if self.owners[k] not in live]
        for k in gone:
            self._losses[k] += 1
            if self._losses[k] > MOST_LOSSES:
                raise RuntimeError(
                    f"{MOST_LOSSES + 1} workers have died with the same share of the data; "
                    "partitions may be too large for their memory"
                ) from error
            held = Counter(self.owners)
            self._give(k, min(sorted(live), key=lambda worker: held[worker] / live[worker]))
        for futures in (self._tables, self._shares, self._movements, self._bases):
            _drop(futures, [k for k, f in futures.items() if f.status not in HELD])
        _drop(self._bases, [worker for worker in self._bases if worker not in live])
        if not gone:
            # A worker that came back under its address has nothing of what it had.
            self._n_stale += 1
            if self._n_stale > 10 * MOST_LOSSES:
                raise RuntimeError(
                    "what workers have lost cannot be computed again; partitions that were "
                    f"scattered cannot: {error}"
                ) from error
            _drop(self._movements, list(self._movements))

    def _give(self, k: int, worker: str) -> None:
        self.owners[k] = worker
        for futures in (self._tables, self._shares, self._movements):
            _drop(futures, [k])

    def _recover(self, number: int, error: LostError) -> int:
        """Make good for what is lost; give the number of rounds that all copies have then."""
        self._replace_lost(error)
        return int(self._persist(lambda: self._align(number)))

    def _align(self, number: int) -> int:
        """Bring all workers to the same round: `number` or, if one has got there, the next."""
        workers = sorted(self._bases)
        found = self._gather(self._submit(w, rounds.rounds_of, self._bases[w]) for w in workers)
        at = dict(zip(workers, found, strict=True))
        first = 0 if self._start is None else self._start.n_rounds
        newest = max(at.values(), default=first)
        if newest < number:
            raise RuntimeError(
                "all workers that had a copy of the model have gone. Training can go on from a "
                "checkpoint: fit(..., checkpoint=path, resume=True)"
            )
        owners = set(self.owners)
        behind = [worker for worker in sorted(owners) if at.get(worker) != newest]
        if behind and at:
            best = max(workers, key=at.__getitem__)
            snapshot = self._submit(best, rounds.snapshot_of, self._bases[best])
            fresh = {w: self._submit(w, Base, self._model, snapshot) for w in behind}
            self._gather([self._submit(w, rounds.rounds_of, fresh[w]) for w in behind])
            _drop(self._bases, behind)
            self._bases.update(fresh)
        _drop(self._bases, [worker for worker in self._bases if worker not in owners])
        return newest


def _release(futures: Iterable[Future[Any]]) -> None:
    """Let go now: what an error's traceback holds would live until it is collected."""
    for future in futures:
        future.release()


def _drop(futures: dict[Any, Future[Any]], keys: list[Any]) -> None:
    """Let go of those under the keys."""
    _release(futures.pop(key) for key in keys if key in futures)
