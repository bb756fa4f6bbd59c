"""fastada at its defaults against its peers, untuned and tuned, on every real data set at hand.

`python -m benchmarks.quality` prints Markdown tables of accuracy, log-loss and macro-F1 on the same
features for all; `--scale` says what scaled rows and bare counts change, `--text` compares from raw
text, `--characters` with n-grams of characters beside those of words, `--costs` tells what finding
the learning rate costs, `--grid` what it misses. `--sets NAME,...` or `--quick` take some of the
sets, `--cache DIRECTORY` keeps features and the peers' results, so that the tables are soon made
again; `--cached` adds no peer to them.
"""

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score, log_loss
from sklearn.pipeline import make_pipeline, make_union

from benchmarks import quality_sets
from benchmarks.quality_peers import PEERS, settings_of
from benchmarks.quality_search import compare_costs, compare_grids
from fastada import AdaGradClassifier, TextClassifier
from fastada.text import HashingVectorizer

LOG, HINGE, SQUARED_HINGE = "log_loss", "hinge", "squared_hinge"
FACTORS = (1e-3, 1e3)
N_DIVISIONS = 5
N_SEEDS = 5
RULES = {
    "RDA": {"update": "rda"},
    "FTRL": {"update": "ftrl"},
    "COMID, not calibrated": {"calibrate": False},
    "RDA, not calibrated": {"update": "rda", "calibrate": False},
}


def measured(model, split):
    """Fit and score: accuracy, log-loss (None without probabilities), macro-F1, seconds of CPU."""
    start = time.process_time()
    with warnings.catch_warnings():
        # Of convergence: max_iter is part of the setting.
        warnings.simplefilter("ignore")
        model.fit(split.X_train, split.y_train)
    seconds = time.process_time() - start
    predicted = model.predict(split.X_test)
    loss = None
    if hasattr(model, "predict_proba"):
        probability = np.asarray(model.predict_proba(split.X_test), dtype=np.float64)
        probability /= probability.sum(axis=1, keepdims=True)
        loss = float(log_loss(split.y_test, probability, labels=model.classes_))
    return {
        "accuracy": float(accuracy_score(split.y_test, predicted)),
        "log_loss": loss,
        "macro_f1": float(f1_score(split.y_test, predicted, average="macro", zero_division=0)),
        "seconds": seconds,
    }


def of_seeds(make, split):
    """Give the means of fits whose orders of the rows differ, of the models that `make` makes."""
    found = [measured(make(seed), split) for seed in range(N_SEEDS)]
    return {
        name: None if found[0][name] is None else statistics.mean(result[name] for result in found)
        for name in found[0]
    }


class Results:
    """What was measured before, in a file of each set that survives."""

    def __init__(self, cache, *, only_cached=False):
        self.cache, self.only_cached = cache, only_cached

    def get(self, name, model_name, parameters, measure):
        """The result of a model, None if it is not there and `measure` is None."""
        path = self.cache / f"{name}.json" if self.cache else None
        found = json.loads(path.read_text()) if path and path.exists() else {}
        key = f"{name}|{model_name}|{json.dumps(parameters, sort_keys=True)}"
        if key not in found and measure and not self.only_cached:
            found[key] = measure()
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(found, indent=0))
        return found.get(key)


def results_of_peers(name, split, results):
    """{peer: {setting: result}}, the defaults first."""
    found = {}
    for peer_name, peer in PEERS.items():
        worth = settings_of(peer_name, split.X_train.nnz, split.y_train.max() + 1)
        for parameters in peer.grid:

            def measure(peer=peer, parameters=parameters):
                return measured(peer.make(**parameters), split)

            wanted = measure if parameters in worth else None
            result = results.get(name, peer_name, parameters, wanted)
            if result:
                found.setdefault(peer_name, {})[json.dumps(parameters)] = result
    return found


def compare(names, results):
    """Print the tables of the models and of what holds; like is compared with like."""
    print("| set | model | accuracy | log-loss | macro-F1 | CPU s |")
    print("|---|---|---:|---:|---:|---:|")
    summary = []
    for name in names:
        split = quality_sets.vectors_of(name, results.cache)
        peers = results_of_peers(name, split, results)
        ours = {
            loss: of_seeds(lambda seed: AdaGradClassifier(loss, random_state=seed), split)  # noqa: B023
            for loss in (LOG, HINGE, SQUARED_HINGE)
        }
        for loss, result in ours.items():
            print_row(name, f"**fastada** {loss}", result)
        for peer_name, of_peer in peers.items():
            print_row(name, f"{peer_name}, defaults", next(iter(of_peer.values())))
            print_row(name, f"{peer_name}, best accuracy", best(of_peer.values(), "accuracy"))
            if PEERS[peer_name].family == "log":
                print_row(name, f"{peer_name}, best log-loss", best(of_peer.values(), "log_loss"))
        if peers:
            summary.append((name, *like_with_like(ours, peers)))
    if summary:
        print_summary(summary)


def best(of_settings, score):
    return (min if score == "log_loss" else max)(of_settings, key=lambda result: result[score])


def print_row(name, model, result):
    loss = "" if result["log_loss"] is None else f"{result['log_loss']:.4f}"
    print(
        f"| {name} | {model} | {result['accuracy']:.4f} | {loss} | {result['macro_f1']:.4f} "
        f"| {result['seconds']:.2f} |",
        flush=True,
    )


def like_with_like(ours, peers):
    """Ours and the best peer's: accuracy by log loss, accuracy by hinge losses, log-loss."""
    found = []
    for family, losses in (("log", (LOG,)), ("svm", (HINGE, SQUARED_HINGE))):
        accuracy = max(ours[loss]["accuracy"] for loss in losses)
        of_family = [of for peer, of in peers.items() if PEERS[peer].family == family]
        tuned = max(best(of.values(), "accuracy")["accuracy"] for of in of_family)
        untuned = [next(iter(of.values()))["accuracy"] for of in of_family]
        found.append((accuracy, tuned, max(untuned)))
    of_log = [of for peer, of in peers.items() if PEERS[peer].family == "log"]
    tuned_loss = min(best(of.values(), "log_loss")["log_loss"] for of in of_log)
    return *found, (ours[LOG]["log_loss"], tuned_loss)


def print_summary(summary):
    print(
        "\n| set | log loss: ours, best tuned, best untuned | hinge losses: the same | log-loss |"
    )
    print("|---|---|---|---|")
    for name, log, svm, loss in summary:
        accuracies = (" / ".join(f"{value:.4f}" for value in values) for values in (log, svm))
        print(f"| {name} | {' | '.join(accuracies)} | {loss[0]:.4f} / {loss[1]:.4f} |")
    for place, losses in ((1, "log loss"), (2, "hinge losses")):
        of_sets = [row[place] for row in summary]
        near = sum(ours >= tuned - 0.003 for ours, tuned, _ in of_sets)
        ahead = statistics.mean(ours - untuned for ours, _, untuned in of_sets)
        tuned = statistics.mean(ours - tuned for ours, tuned, _ in of_sets)
        print(
            f"\n{losses}: within 0.3 % of the best tuned peer on {near} of {len(of_sets)} sets "
            f"(mean {100 * tuned:+.2f} %); {100 * ahead:+.2f} % against the best untuned one."
        )
    won = sum(row[3][0] <= row[3][1] for row in summary)
    print(f"\nTest log-loss the best of all on {won} of {len(summary)} sets.")


def compare_scales(names, results):
    """Print how rows times a factor, and bare counts instead of tf-idf rows, change accuracy."""
    print("| set | as it is | × 1/1000 | × 1000 | columns × 10^-1 to 10^1 | counts |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in names:
        split = quality_sets.vectors_of(name, results.cache)
        X, X_test, y, y_test = split.X_train, split.X_test, split.y_train, split.y_test
        tilt = (10 ** np.random.default_rng(0).uniform(-1, 1, X.shape[1])).astype(X.dtype)
        accuracies = [
            AdaGradClassifier(random_state=0).fit(X * a, y).score(X_test * a, y_test)
            for a in (1, *FACTORS, tilt)
        ]
        if quality_sets.SOURCES[name].is_text:
            counts = quality_sets.counts_of(name)
            model = AdaGradClassifier(random_state=0).fit(counts.X_train, counts.y_train)
            accuracies.append(model.score(counts.X_test, counts.y_test))
        cells = [f"{accuracy:.4f}" for accuracy in accuracies]
        print(f"| {name} | {' | '.join(cells + [''] * (5 - len(cells)))} |", flush=True)


def compare_from_text(names, results):
    """Print TextClassifier at its defaults beside tf-idf pipelines of the linear peers."""
    print("| set | TextClassifier | log-loss | best pipeline | log-loss |")
    print("|---|---:|---:|---|---:|")
    gaps = []
    for name in names:
        source = quality_sets.SOURCES[name]
        if not source.is_text:
            continue
        split = quality_sets.texts_of(name)
        options = {"ngram_range": (1, 2), **source.text}
        ours = of_seeds(lambda seed: TextClassifier(random_state=seed, **options), split)  # noqa: B023
        n_entries = quality_sets.vectors_of(name, results.cache).X_train.nnz
        found = {}
        for peer_name in ("LinearSVC", "liblinear -s 7"):
            worth = settings_of(peer_name, n_entries, split.y_train.max() + 1)
            for parameters in PEERS[peer_name].grid:
                vectorizer = TfidfVectorizer(sublinear_tf=True, **options)
                pipeline = make_pipeline(vectorizer, PEERS[peer_name].make(**parameters))
                wanted = lambda: measured(pipeline, split)  # noqa: B023, E731
                result = results.get(
                    f"{name}.text", peer_name, parameters, wanted if parameters in worth else None
                )
                if result:
                    found[f"{peer_name} {parameters}"] = result
        if not found:
            continue
        winner = max(found, key=lambda key: found[key]["accuracy"])
        loss = min((r["log_loss"] for r in found.values() if r["log_loss"]), default=np.nan)
        gaps.append(ours["accuracy"] - found[winner]["accuracy"])
        print(
            f"| {name} | {ours['accuracy']:.4f} | {ours['log_loss']:.4f} "
            f"| {found[winner]['accuracy']:.4f} ({winner}) | {loss:.4f} |",
            flush=True,
        )
    if gaps:
        print(
            f"\n{100 * statistics.mean(gaps):+.2f} % of accuracy in the mean of {len(gaps)} sets."
        )


def compare_characters(names, results):
    """Print TextClassifier beside the pipeline of docs/text.md that has characters as well."""
    print("| set | characters | TextClassifier | log-loss | CPU s | both | log-loss | CPU s |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    weights = {"use_idf": True, "sublinear_tf": True, "weight_unseen": False}
    common = {**weights, "alternate_sign": False, "dtype": np.float32}
    characters = {"analyzer": "char_wb", "ngram_range": (2, 4), "n_features": 2**18}
    for name in names:
        source = quality_sets.SOURCES[name]
        if not source.is_text or source.text:
            continue
        split = quality_sets.texts_of(name)
        loss = SQUARED_HINGE if split.y_train.max() > 1 else LOG

        def both(seed, loss=loss):
            return make_pipeline(
                make_union(
                    HashingVectorizer(ngram_range=(1, 2), **common),
                    HashingVectorizer(**characters, **common),
                ),
                AdaGradClassifier(loss, calibrate=True, random_state=seed),
            )

        models = (lambda seed: TextClassifier(random_state=seed)), both
        cells = []
        for found in (of_seeds(model, split) for model in models):
            cells += [f"{found[score]:.4f}" for score in ("accuracy", "log_loss")]
            cells.append(f"{found['seconds']:.1f}")
        size = statistics.mean(map(len, split.X_train))
        print(f"| {name} | {size:.0f} | {' | '.join(cells)} |", flush=True)


def compare_rules(names, results):
    """Print log-loss and accuracy against COMID's, in percent, on a fifth of the training rows."""
    print(f"| set | COMID | {' | '.join(RULES)} |\n|---{'|---:' * (1 + len(RULES))}|")
    for name in names:
        whole = quality_sets.vectors_of(name, results.cache)
        of_rules = {rule: [] for rule in RULES}
        losses = []
        for seed in range(N_DIVISIONS):
            split = quality_sets.divided(whole, seed)
            comid = measured(AdaGradClassifier(random_state=seed), split)
            losses.append(comid["log_loss"])
            for rule, parameters in RULES.items():
                found = measured(AdaGradClassifier(random_state=seed, **parameters), split)
                by_loss = 100 * np.log(found["log_loss"] / comid["log_loss"])
                of_rules[rule].append((by_loss, 100 * (found["accuracy"] - comid["accuracy"])))
        cells = []
        for pairs in of_rules.values():
            error = np.std(pairs, axis=0, ddof=1) / np.sqrt(N_DIVISIONS)
            of_both = zip(np.mean(pairs, axis=0), error, strict=True)
            cells.append(", ".join(f"{mean:+.1f} ± {se:.1f}" for mean, se in of_both))
        print(f"| {name} | {np.mean(losses):.4f} | {' | '.join(cells)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", help="names, separated by commas")
    parser.add_argument("--quick", action="store_true", help="the small sets")
    parser.add_argument("--cache", type=Path, help="directory of features and peers' results")
    parser.add_argument("--cached", action="store_true", help="no peers but those in the cache")
    parser.add_argument("--scale", action="store_true", help="what scaling changes")
    parser.add_argument("--rules", action="store_true", help="update rules, on training rows")
    parser.add_argument("--text", action="store_true", help="from raw text")
    parser.add_argument("--characters", action="store_true", help="n-grams of characters as well")
    parser.add_argument("--costs", action="store_true", help='what "auto" costs')
    parser.add_argument("--grid", action="store_true", help='what "auto" misses')
    args = parser.parse_args()
    names = quality_sets.available()
    if args.sets or args.quick:
        wanted = args.sets.split(",") if args.sets else quality_sets.QUICK
        unknown = set(wanted) - set(names)
        if unknown:
            parser.error(f"no such set at hand: {', '.join(sorted(unknown))}")
        names = wanted
    results = Results(args.cache, only_cached=args.cached)
    ways = (
        (args.scale, compare_scales),
        (args.text, compare_from_text),
        (args.characters, compare_characters),
        (args.rules, compare_rules),
        (args.costs, compare_costs),
        (args.grid, compare_grids),
    )
    show = next((way for is_wanted, way in ways if is_wanted), compare)
    show(names, results)


if __name__ == "__main__":
    main()
