"""Set up the peers, run them and fastada in turns, print the table, draw the picture.

    python -m benchmarks.peers [FILE.svm]
    python -m benchmarks.peers --sets r8,a9a --varied

Results are kept: broken off, it goes on where it was. A run of a system is preceded by one of
fastada, whose time it is divided by.
"""

import argparse
import json
import os
import subprocess
import time
from pathlib import Path

from benchmarks.peers import sets
from benchmarks.peers.adapters.fastada import Peer
from benchmarks.peers.environments import AT_HAND, interpreter, set_up
from benchmarks.peers.results import Results, Summary, joined, ns_per_entry, summary_of
from benchmarks.peers.rows import load
from benchmarks.peers.systems import BINARY, MANY, REFERENCE, systems_for, with_variants
from benchmarks.peers.table import markdown
from benchmarks.peers.worker import seconds_of

ROOT = Path(__file__).parents[2]
MINUTES = 20


def run_system(system, data, folder):
    """Run a system in a process of its own; return what it wrote or why there is nothing."""
    output = folder / f"run-{os.getpid()}.json"
    command = [interpreter(system.peer, folder).absolute(), "-m", "benchmarks.peers.worker"]
    threads = {"OMP_NUM_THREADS": str(system.threads), "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [*command, data, system.name, output],
            cwd=ROOT,
            env=os.environ | threads,
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
        )
    except subprocess.TimeoutExpired:
        return f"not ready within {MINUTES} minutes"
    if output.exists():
        result = json.loads(output.read_text())
        output.unlink()
        return result
    return (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]


class Reference:
    """fastada's fits that go before each run."""

    def __init__(self, data):
        self.rows = load(data, "train")
        self.peer = Peer(self.rows, data)

    def ns(self):
        points = [{"point": {"epochs": n}, "entries": n * self.rows.X.nnz} for n in (1, 11)]
        for point in points:
            point["seconds"] = seconds_of(self.peer, REFERENCE, point["point"])
        return ns_per_entry(points)


def measure(name, args, results):
    """Run what is missing of a set's rounds; return why systems are absent."""
    data = sets.prepare(name, args.folder)
    systems = systems_for(load(data, "test").n_classes)
    systems = with_variants(systems) if args.varied else systems
    wanted = args.only.split(",") if args.only else sorted({s.peer for s in systems})
    systems = [system for system in systems if system.peer in wanted]
    absent = {peer: set_up(peer, args.folder) for peer in sorted({s.peer for s in systems})}
    absent = {peer: reason for peer, reason in absent.items() if reason}
    reference = Reference(data)
    for round_ in range(args.rounds):
        for system in systems:
            if {system.peer, system.name} & set(absent) or len(
                results.of(data.name, system.name)
            ) > round_:
                continue
            if time.monotonic() > args.until:
                return absent
            ns = reference.ns()
            result = run_system(system, data.absolute(), args.folder.absolute())
            if isinstance(result, str):
                absent[system.name] = result
                continue
            run = {"data": data.name, "system": system.name, "reference_ns": ns, **result}
            results.add(run)
            print(f"{data.name}, round {round_ + 1}: {system.name}", flush=True)
    return absent


def report(name, results, folder, absent):
    """Print a set's table and draw its picture."""
    data = sets.key_of(name)
    names = list(dict.fromkeys(run["system"] for run in results.of(data)))
    if not names:
        return
    families = {s.name: s.family for s in with_variants((*BINARY, *MANY))}
    variants: dict[str, list[Summary]] = {}
    for system in names:
        summary = summary_of(system, results.of(data, system))
        variants.setdefault(families[system], []).append(summary)
    summaries = [joined(of_family) for of_family in variants.values()]
    n_rounds = min(len(results.of(data, system)) for system in names)
    print(f"\n### {data} (rounds: {n_rounds} or more)\n\n{markdown(summaries)}\n")
    for peer, reason in absent.items():
        print(f"Absent: {peer}: {reason}")
    try:
        from benchmarks.peers.picture import draw
    except ImportError:
        print("no picture: matplotlib is not installed")
        return
    picture = folder / f"{data}.png"
    draw(summaries, picture, f"{data}, a thread each")
    print(f"picture: {picture}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", nargs="?", help="svmlight file of your own")
    parser.add_argument(
        "--sets", help="imdb, 20news, zipf, docstrings, those of quality.py; separated by commas"
    )
    parser.add_argument(
        "--varied",
        action="store_true",
        help="peers with other strengths too; each counts by the best of its runs",
    )
    parser.add_argument("--only", help="peers, by the names of the files in adapters/")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="stop after; go on later"
    )
    parser.add_argument("--again", help="peers whose results are to be forgotten first")
    parser.add_argument("--folder", type=Path, default=ROOT / ".peers")
    parser.add_argument("--quick", action="store_true", help="few rows, what needs no installing")
    args = parser.parse_args()
    args.until = time.monotonic() + args.seconds
    names = [args.file] if args.file else args.sets.split(",") if args.sets else None
    if args.quick:
        args.only, args.rounds, names = ",".join(AT_HAND), 1, names or ["zipf-quick"]
    args.folder.mkdir(parents=True, exist_ok=True)
    results = Results(args.folder / "results.jsonl")
    if args.again:
        systems = with_variants((*BINARY, *MANY))
        results.forget({s.name for s in systems if s.peer in args.again.split(",")})
    for name in names or sets.default_names():
        absent = measure(name, args, results)
        report(name, results, args.folder, absent)


if __name__ == "__main__":
    main()
