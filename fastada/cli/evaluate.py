"""``fastada evaluate``."""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastada.cli.files import score_labelled
from fastada.stream import model_files
from fastada.stream.scores import Scores


def run(args: argparse.Namespace) -> None:
    """Print accuracy, log-loss, and each class's precision and recall."""
    model = model_files.load(args.model).model()
    scores = Scores(model)
    _, problems = score_labelled(args, model, "evaluating", scores.add)
    result = _result(scores.confusion, scores.log_loss, model.classes, dict(problems.counts))
    print(json.dumps(result) if args.json else _table(result))


def _result(
    confusion: NDArray[np.int64], loss: float, classes: list[str], skipped: dict[str, int]
) -> dict[str, Any]:
    hits = confusion.diagonal()
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + predicted, 1)
    # As in scikit-learn, a class that is neither in the file nor predicted does not count.
    counted = (support + predicted) > 0
    return {
        "rows": int(support.sum()),
        "skipped": skipped,
        "accuracy": float(hits.sum() / support.sum()),
        "log_loss": loss,
        "macro_f1": float(f1[counted].mean()),
        "classes": {
            label: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "rows": int(support[i]),
            }
            for i, label in enumerate(classes)
        },
        "confusion": confusion.tolist(),
    }


def _table(result: dict[str, Any]) -> str:
    lines = [f"{name:10}{result[name]:.4f}" for name in ("accuracy", "log_loss", "macro_f1")]
    lines.append(f"{'rows':10}{result['rows']:,}")
    wide = max(5, *(len(label) for label in result["classes"]))
    lines += ["", f"{'class':{wide}}  precision  recall      f1      rows"]
    for label, row in result["classes"].items():
        lines.append(
            f"{label:{wide}}  {row['precision']:9.4f}{row['recall']:8.4f}{row['f1']:8.4f}"
            f"{row['rows']:10,}"
        )
    return "\n".join(lines)
