"""The cost model of docs/scaling.md: python -m benchmarks.scaling [--quick].

What a core needs per entry learned, per column of a replica merged with others in one memory, and
per column of a movement told, added and applied is measured at several sizes, and fitted by
straight lines through the origin. What a network needs
is not: its speed, and that of the disks, are assumptions, printed with the rest.
"""

import argparse
import math
import statistics

import numpy as np

from benchmarks.data import labels_of, zipf_rows
from benchmarks.epochs import seconds
from fastada import AdaGradClassifier, combine
from fastada.epoch import learn_sums

COLUMN_BITS = 20
MODEL_BITS = 24  # 16 million parameters, those of Agarwal et al. (2014)
ENTRIES_PER_ROW = 125  # theirs too: 2.1e12 entries in 17e9 rows
BYTES_PER_ENTRY = 8  # float32 and int32
BYTES_PER_COLUMN = 12  # column, change and squares
NETWORK = 1.25e9  # bytes per second and direction: 10 Gbit/s
DISK = 1e9
CORES = 16  # of each machine, which read and learn; they share its memory and its network
MEMORY = 128e9


def cpu_seconds(function):
    """Median of the thread's CPU time."""
    return statistics.median(seconds(function) for _ in range(5))


def slope(sizes, times):
    """Seconds per item, by least squares."""
    sizes, times = np.array(sizes, float), np.array(times)
    return float(sizes @ times / (sizes @ sizes))


def measure(n_rows):
    """Seconds per entry learned, and per column merged, told, added and applied."""
    X = zipf_rows(n_rows, 2**COLUMN_BITS)
    model = AdaGradClassifier(max_iter=1, tol=None, random_state=0).fit(X, labels_of(X))
    rows = model._training_rows(X, None)
    targets = model._encode(labels_of(X), model.classes_)
    base, settings, weight = model._state, model._settings, np.ones(n_rows)
    sizes = {name: [] for name in ("learn", "merge", "tell", "add", "apply")}
    times = {name: [] for name in sizes}
    for part in (4, 2, 1):
        shares = [np.arange(k, n_rows // part, 2) for k in range(2)]
        movements, replicas = [], []
        for order in shares:
            columns = combine.touched_columns(rows, order)
            replica = combine.replica_of(base, columns)
            own = combine.share_settings(settings, len(order), 2 * len(order))
            learn = (replica, own, rows, targets, weight, order)
            sizes["learn"].append(int(np.diff(rows.indptr)[order].sum()))
            times["learn"].append(cpu_seconds(lambda learn=learn: learn_sums(*learn)))
            tell = (base, replica, settings, columns, len(order), 2 * len(order), 0.0, 1.0)
            sizes["tell"].append(len(columns))
            times["tell"].append(cpu_seconds(lambda tell=tell: combine.movement_of(*tell)))
            movements.append(combine.movement_of(*tell))
            replicas.append(replica)
        n_steps = [len(order) for order in shares]
        # As threads do, all columns, of which a part here.
        part_of_all = base.n_features // part
        merge = (base.copy(), replicas, [None, None], n_steps, sum(n_steps), settings)
        sizes["merge"].append(2 * part_of_all)
        times["merge"].append(
            cpu_seconds(lambda all_=merge, n=part_of_all: combine.merge_records(*all_, 0, n))
        )
        total = combine.add(*movements)
        sizes["add"].append(sum(len(movement.columns) for movement in movements))
        times["add"].append(cpu_seconds(lambda both=movements: combine.add(*both)))
        sizes["apply"].append(len(total.columns))
        state = base.copy()
        times["apply"].append(
            cpu_seconds(lambda to=state, by=total: combine.apply(to, settings, by))
        )
    return {name: slope(sizes[name], times[name]) for name in sizes}


def epoch(cost, n_rows, n_machines, n_syncs):
    """Seconds of an epoch: learning, disks, combining on cores, network."""
    entries = n_rows * ENTRIES_PER_ROW / n_machines
    learning = entries * cost["learn"] / CORES
    held = entries * BYTES_PER_ENTRY <= MEMORY / 2
    disks = 0.0 if held else entries * BYTES_PER_ENTRY / DISK
    # With so many rows a round all columns occur in every share.
    columns = 2**MODEL_BITS
    levels = math.ceil(math.log2(n_machines)) if n_machines > 1 else 0
    # Threads share the columns on a machine, of as many replicas as there are threads; between
    # machines one core tells, adds per level, and applies.
    on_machine = columns * cost["merge"]
    between = levels * (2 * columns * cost["add"]) + columns * (cost["tell"] + cost["apply"])
    # Up, one movement a level; down, to two workers a level, or what comes to the same, to four
    # every other level.
    network = 3 * levels * columns * BYTES_PER_COLUMN / NETWORK
    return learning, disks, n_syncs * (on_machine + between), n_syncs * network


def main():
    """Measure, and print the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    cost = measure(4_000 if parser.parse_args().quick else 100_000)
    for name, each in cost.items():
        unit = {"learn": "entry", "merge": "column and replica"}.get(name, "column")
        print(f"{name}: {1e9 * each:.1f} ns per {unit} (one core)")
    rate = 1 / cost["learn"] / ENTRIES_PER_ROW
    print(f"rows of {ENTRIES_PER_ROW} entries: {rate:,.0f} per second and core")
    print(
        f"assumed: {CORES} cores, {DISK / 1e9:g} GB/s from disk and {NETWORK / 1e9:g} GB/s of "
        f"network a machine; rows within {MEMORY / 2e9:g} GB stay in memory; 2^{MODEL_BITS} "
        f"columns, {2**MODEL_BITS * BYTES_PER_COLUMN / 1e6:.0f} MB a movement"
    )
    for n_rows in (10**9, 17 * 10**9, 10**12):
        for n_machines in (10, 100, 1000):
            for n_syncs in (1, 4, 16):
                parts = epoch(cost, n_rows, n_machines, n_syncs)
                # Reading and learning overlap.
                total = max(parts[:2]) + sum(parts[2:])
                speed = n_rows * ENTRIES_PER_ROW / total
                print(
                    f"{n_rows:.1e} rows, {n_machines:4} machines, {n_syncs:2} syncs: learn "
                    f"{parts[0]:9.1f} s, read {parts[1]:9.1f} s, combine {parts[2]:5.1f} s, "
                    f"network {parts[3]:5.1f} s; epoch {total:9.1f} s, "
                    f"{speed / 1e6:9,.0f} M entries/s"
                )


if __name__ == "__main__":
    main()
