"""``fastada inspect``."""

from __future__ import annotations

import argparse
import json
from typing import Any

from fastada.persistence.container import NAMES, ModelFile, open_model
from fastada.persistence.values import decode

# Of a long list this many are printed.
SHOWN = 10


def run(args: argparse.Namespace) -> None:
    """Print what a model's header says; the arrays are not read."""
    with open_model(args.model) as file:
        found = _description(file)
    print(json.dumps(found, default=str) if args.json else _table(found))


def _description(file: ModelFile) -> dict[str, Any]:
    about = file.metadata
    linear = about.get("classifier", about)
    described = {
        "file": file.path,
        "bytes": file.size,
        "format_version": file.version,
        "fastada_version": about["fastada_version"],
        "estimator": about["estimator"],
        "saved_for": linear["saved_for"],
        "columns": linear["n_features"],
        "outputs": linear["n_outputs"],
        "nonzero_weights": linear["n_nonzero"],
        "steps": linear["clock"][0] if "clock" in linear else linear["steps"],
        "epochs": linear["n_epochs"] or linear["n_iter"],
        "classes": linear["classes"]["values"] if "classes" in linear else None,
        "documents": about.get("n_documents"),
        "loss_curve": linear["loss_curve_"],
        "validation_loss_curve": linear["validation_loss_curve_"],
        "parameters": {
            name: decode(value)
            for part in (about, linear)
            for name, value in part["parameters"].items()
        },
        "arrays": {
            name: {
                "dtype": NAMES[entry.dtype],
                "shape": list(entry.shape),
                "bytes": entry.end - entry.begin,
            }
            for name, entry in file.entries.items()
        },
    }
    return {name: value for name, value in described.items() if value not in (None, [])}


def _table(found: dict[str, Any]) -> str:
    lines = []
    for name, value in found.items():
        if name == "parameters":
            lines += ["", "parameters"]
            lines += [f"  {key:20}{_short(item)}" for key, item in value.items()]
        elif name == "arrays":
            lines += ["", "arrays"]
            for key, entry in value.items():
                shape = " x ".join(f"{n:,}" for n in entry["shape"])
                lines.append(f"  {key:20}{entry['dtype']:5}{shape:>20}{entry['bytes']:16,} bytes")
        else:
            lines.append(f"{name.replace('_', ' '):22}{_short(value)}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list):
        parts = [f"{v:.6f}" if isinstance(v, float) else str(v) for v in value[:SHOWN]]
        more = [f"... ({len(value):,})"] if len(value) > SHOWN else []
        return "  ".join([*parts, *more])
    return str(value)
