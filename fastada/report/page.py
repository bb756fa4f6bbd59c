"""The report as one HTML page that asks the network for nothing.

Every text that comes from a model or from data passes `escape`; the policy in the page's head
forbids scripts and anything from outside besides.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from fastada.report import svg
from fastada.report.gather import Gathered, Mistake, top_ngrams
from fastada.stream.explain import explain

# A page must open in a browser, however many classes there are.
MOST_CLASSES, MOST_PAIRS, N_TOP, N_CHIPS = 20, 25, 12, 12
LONGEST_LABEL = 60
TOKEN = re.compile(r"\b\w\w+\b")

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2330;--dim:#5b6675;--card:#f5f7fa;--edge:#dde3ea;
--main:#2563c9;--for:21,128,61;--against:200,30,45}
@media(prefers-color-scheme:dark){:root{--bg:#12161d;--fg:#e4e9f0;--dim:#9aa6b5;--card:#1a2029;
--edge:#303947;--main:#7fb0ff;--for:74,200,120;--against:255,105,115}}
*{box-sizing:border-box}body{margin:0 auto;max-width:1080px;padding:24px 18px 60px;
background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:26px;margin:0}h2{font-size:19px;margin:36px 0 10px}h3{font-size:15px;margin:0 0 6px}
p.dim,.dim{color:var(--dim)}.grid2{display:grid;gap:14px;
grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}
.card{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:14px}
.numbers{display:flex;flex-wrap:wrap;gap:12px 34px;margin:18px 0}.numbers b{display:block;
font-size:24px;font-weight:600}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:3px 9px;text-align:right;font-weight:400;overflow-wrap:normal}
th{color:var(--dim)}th[scope=row],td.left{text-align:left}
svg{width:100%;height:auto;display:block}svg text{fill:var(--dim);font-size:12px}
.grid{stroke:var(--edge)}.line{fill:none;stroke:var(--main);stroke-width:2}.dot{fill:var(--main)}
.bar{fill:var(--main);opacity:.25}.ideal{stroke:var(--dim);stroke-dasharray:4 4}
.text{white-space:pre-wrap;margin:8px 0}.card+.card{margin-top:12px}.grid2 .card{margin-top:0}
.chip,.text span{border-radius:4px;padding:0 3px}.chip{display:inline-block;margin:2px}
"""


def render(gathered: Gathered, facts: dict[str, str], losses: Sequence[float]) -> str:
    """Write the page.

    Parameters
    ----------
    gathered : Gathered
    facts : dict of str to str
        Configuration and timings.
    losses : list of float
        Mean training loss of each epoch; may be empty.
    """
    names = [_short(label) for label in gathered.model.classes]
    confusion = gathered.confusion
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        '<link rel="icon" href="data:,">'
        f"<title>fastada report</title><style>{STYLE}</style></head><body>"
        "<h1>fastada report</h1>",
        _numbers(
            {
                "rows": f"{gathered.n_rows:,}",
                "accuracy": f"{confusion.trace() / gathered.n_rows:.4f}",
                "log-loss": f"{gathered.log_loss:.4f}",
                "classes": f"{len(names):,}",
            }
        ),
        '<div class="grid2"><section class="card" id="loss"><h3>Loss curve</h3>',
        svg.loss_curve(losses)
        if losses
        else '<p class="dim">The model file does not tell the losses of its training.</p>',
        '</section><section class="card" id="reliability"><h3>Reliability</h3>',
        svg.reliability(gathered.bins.tolist()),
        "</section></div>",
        _confusion(confusion, names),
    ]
    if gathered.model.features.kind == "text":
        parts += [_top(gathered, names), _mistakes(gathered, names)]
    parts.append(
        '<h2>Configuration and timings</h2><section class="card scroll" id="facts"><table>'
    )
    for name, value in facts.items():
        parts.append(
            f'<tr><th scope="row">{escape(name)}</th><td class="left">{escape(value)}</td></tr>'
        )
    return "".join([*parts, "</table></section></body></html>\n"])


def _numbers(values: dict[str, str]) -> str:
    found = "".join(
        f'<div><b>{escape(value)}</b><span class="dim">{escape(name)}</span></div>'
        for name, value in values.items()
    )
    return f'<div class="numbers">{found}</div>'


def _confusion(confusion: NDArray[np.int64], names: list[str]) -> str:
    head = '<h2>Confusion matrix</h2><section class="card" id="confusion">'
    if len(names) > MOST_CLASSES:
        return head + _confused_pairs(confusion, names) + "</section>"
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    rows = ["<tr><th></th>" + "".join(f'<th scope="col">{name}</th>' for name in names) + "</tr>"]
    for i, name in enumerate(names):
        cells = "".join(
            f'<td style="background:rgba(var(--{"for" if i == j else "against"}),'
            f'{0.55 * share[i, j]:.2f})">{confusion[i, j]:,}</td>'
            for j in range(len(names))
        )
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    return (
        f'{head}<p class="dim">Rows: true classes. Columns: predicted.</p>'
        f'<div class="scroll"><table>{"".join(rows)}</table></div></section>'
    )


def _confused_pairs(confusion: NDArray[np.int64], names: list[str]) -> str:
    off = confusion.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [divmod(int(k), len(names)) for k in order if off.flat[k]]
    support = confusion.sum(axis=1)
    rows = "".join(
        f'<tr><td class="left">{names[i]}</td><td class="left">{names[j]}</td>'
        f"<td>{off[i, j]:,}</td><td>{off[i, j] / support[i]:.1%}</td></tr>"
        for i, j in pairs
    )
    return (
        f'<p class="dim">Of {len(names):,} classes, the pairs confused most often.</p>'
        '<div class="scroll"><table><tr><th scope="row">true</th><th scope="row">predicted</th>'
        f"<th>rows</th><th>of the class</th></tr>{rows}</table></div>"
    )


def _top(gathered: Gathered, names: list[str]) -> str:
    top = top_ngrams(gathered.model, gathered.sample, N_TOP)
    by_support = np.argsort(-gathered.confusion.sum(axis=1), kind="stable")[:MOST_CLASSES]
    shown = sorted(by_support.tolist())
    note = f" The {len(shown)} largest classes." if len(shown) < len(names) else ""
    cards = []
    for j in shown:
        rows = "".join(
            f'<tr><td class="left">{escape(_short(ngram, raw=True))}</td><td>{weight:.3f}</td></tr>'
            for ngram, weight in top[j]
        )
        cards.append(f'<div class="card"><h3>{names[j]}</h3><table>{rows}</table></div>')
    return (
        '<section id="top"><h2>Top n-grams</h2><p class="dim">Largest weights among the n-grams of '
        f'{len(gathered.sample):,} rows.{note}</p><div class="grid2">{"".join(cards)}</div>'
        "</section>"
    )


def _mistakes(gathered: Gathered, names: list[str]) -> str:
    cards = "".join(_mistake(gathered, mistake, names) for mistake in gathered.mistakes())
    return (
        '<section id="worst"><h2>Most wrong</h2><p class="dim">Green speaks for the class '
        f"predicted, red against it.</p>{cards or '<p>No row is predicted wrong.</p>'}</section>"
    )


def _mistake(gathered: Gathered, mistake: Mistake, names: list[str]) -> str:
    model = gathered.model
    found = explain(model, mistake.text, model.classes[mistake.predicted])
    strongest = max((abs(c) for _, c in found.contributions), default=0.0) or 1.0
    chips = "".join(
        f'<span class="chip" style="{_shade(c / strongest)}">{escape(_short(ngram, raw=True))} '
        f"{c:+.3f}</span>"
        for ngram, c in found.contributions[:N_CHIPS]
    )
    text = escape(mistake.text)
    if model.features.analyzer == "word":
        text = _coloured(mistake.text, found.contributions, model.features.lowercase)
    return (
        f'<div class="card"><h3>Row {mistake.number:,}: {names[mistake.truth]}, predicted '
        f'{names[mistake.predicted]}</h3><div class="dim">probability of the true class '
        f'{mistake.probability:.2g}</div><div class="text">{text}</div>{chips}</div>'
    )


def _coloured(text: str, contributions: list[tuple[str, float]], lowercase: bool) -> str:
    """Shade each word by what its n-grams add, an n-gram's share being the same for its words."""
    of_word: dict[str, float] = defaultdict(float)
    for names, contribution in contributions:
        for ngram in names.split(" | "):
            words = ngram.split(" ")
            for word in words:
                of_word[word] += contribution / len(words)
    strongest = max(map(abs, of_word.values()), default=0.0) or 1.0
    parts, end = [], 0
    for found in TOKEN.finditer(text):
        word = found[0].lower() if lowercase else found[0]
        parts.append(escape(text[end : found.start()]))
        style = _shade(of_word.get(word, 0.0) / strongest)
        shown = escape(found[0])
        parts.append(f'<span style="{style}">{shown}</span>' if style else shown)
        end = found.end()
    return "".join([*parts, escape(text[end:])])


def _shade(share: float) -> str:
    if abs(share) < 0.05:
        return ""
    return f"background:rgba(var(--{'for' if share > 0 else 'against'}),{0.6 * abs(share):.2f})"


def _short(text: str, *, raw: bool = False) -> str:
    text = text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
    return text if raw else escape(text)
