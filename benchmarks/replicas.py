"""What combining replicas does to the log-loss: python -m benchmarks.replicas [--help].

Workers are simulated one after the other, each with a fixed share of the rows, as threads and
clusters have them. Printed are held-out log-losses after five epochs, over that of one worker,
and how many bytes a worker sends in a round.
"""

import argparse

import numpy as np
from sklearn.metrics import log_loss

from benchmarks.data import real_text, synthetic
from benchmarks.epochs import RULES
from fastada import AdaGradClassifier, combine
from fastada.epoch import learn_sums

N_EPOCHS = 5


def simulate(model, X, y, n_workers, n_syncs, n_epochs=N_EPOCHS, seed=0):
    """Fit as n_workers would, combined n_syncs times an epoch; bytes of a worker in a round."""
    model.set_params(max_iter=1, tol=None).fit(X[:2], np.unique(y)[:2])
    rows = model._training_rows(X, None)
    classes = np.unique(y)
    targets = AdaGradClassifier()._encode(y, classes)
    weight = np.ones(rows.n_rows)
    base, settings, model._scale = model._start(rows, targets, weight)
    model._state, model._settings, model.classes_ = base, settings, classes
    rng = np.random.default_rng(seed)
    share_of_row = rng.permutation(rows.n_rows) % n_workers
    replica = base.blank_copy()
    sent = []
    for _ in range(n_epochs):
        order = rng.permutation(rows.n_rows)
        shares = [order[share_of_row[order] == k] for k in range(n_workers)]
        for sync in range(n_syncs):
            parts = [np.array_split(share, n_syncs)[sync] for share in shares]
            n_steps = [combine.steps_of(len(part), settings) for part in parts]
            combine.make_room(base, settings, sum(n_steps))
            movements = []
            for part, own_steps in zip(parts, n_steps, strict=True):
                columns = combine.touched_columns(rows, part)
                combine.refresh(replica, base, columns)
                own = combine.share_settings(settings, own_steps, sum(n_steps))
                sums = learn_sums(replica, own, rows, targets, weight, part)
                of_round = (own_steps, sum(n_steps), *sums)
                movements.append(combine.movement_of(base, replica, settings, columns, *of_round))
            arrays = [vars(movement).values() for movement in movements]
            sent.append(np.mean([sum(getattr(a, "nbytes", 0) for a in part) for part in arrays]))
            combine.apply(base, settings, combine.add_all(movements))
    return float(np.mean(sent))


def main():
    """Print a line for each number of workers and of synchronisations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["sms_spam", "imdb"], metavar="NAME")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2, 8, 64, 256, 1024])
    parser.add_argument("--syncs", nargs="+", type=int, default=[1, 4, 16])
    parser.add_argument("--rule", choices=RULES, default="COMID")
    parser.add_argument("--learning-rate", type=float, help="default: 1 / rms row norm, about 1")
    parser.add_argument("--orders", type=int, default=1, help="seeds to take the mean of")
    args = parser.parse_args()
    for name in args.data:
        made_up = name == "synthetic"
        X, X_test, y, y_test = synthetic(10_000, 2**16) if made_up else real_text(name)
        one = None
        rate = {} if args.learning_rate is None else {"learning_rate": args.learning_rate}
        for n_workers in args.workers:
            for n_syncs in args.syncs if n_workers > 1 else [1]:
                losses, sent = [], 0.0
                for seed in range(args.orders):
                    model = AdaGradClassifier(**{**RULES[args.rule], **rate})
                    sent = simulate(model, X, y, n_workers, n_syncs, seed=seed)
                    losses.append(log_loss(y_test, model.predict_proba(X_test)))
                one = one or np.mean(losses)
                print(
                    f"{name} {args.rule}: {n_workers:5} workers, {n_syncs:3} syncs: log-loss "
                    f"{np.mean(losses):.4f} ({100 * (np.mean(losses) / one - 1):+.1f} %), "
                    f"{sent / 1024:,.0f} KiB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
