import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from fastada import TextClassifier
from fastada.cli import main

SECTIONS = {"loss", "reliability", "confusion", "top", "worst", "facts"}
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--enable-logging=stderr",
]


class Page(HTMLParser):
    """Tags, ids, text, and whether every tag is closed."""

    VOID = ("meta", "link", "img", "input", "br", "hr")

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.open, self.links = set(), [], [], []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("src", "href")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def write_rows(path, labels, n, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        words = [f"word{i % len(labels)}", *rng.choice(["and", "then", "some"], 4)]
        # A tenth of the rows are labelled wrong.
        rows.append(f"{labels[(i + (i % 10 == 7)) % len(labels)]}\t{' '.join(words)} {HOSTILE}\n")
    path.write_text("".join(rows))
    return str(path)


def requests(path, folder):
    """What Chromium says on the console, the page's requests, and its document."""
    log = folder / "net.json"
    done = subprocess.run(
        [
            CHROMIUM,
            *FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--window-size=400,800",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        # A sanitizer that is loaded into this process is not for the browser.
        env={**{k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}, "HOME": str(folder)},
    )
    params = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    # A browser's own requests have no origin.
    asked = [p["url"] for p in params if p.get("initiator", "not an origin") != "not an origin"]
    asked = [url for url in asked if url.startswith("http")]
    return "CONSOLE" in done.stderr, asked, done.stdout


@pytest.fixture(params=[2, 3, 172])
def report(request, tmp_path, capsys):
    """Number of classes, the page's path, and what `fastada evaluate` says of the same."""
    labels = [f"{HOSTILE}{i}" for i in range(request.param)]
    train = write_rows(tmp_path / "train.tsv", labels, 10 * len(labels) + 100)
    model, page = str(tmp_path / "m"), tmp_path / "report.html"
    assert main(["train", train, model, "--bits", "14", "--quiet"]) == 0
    assert main(["report", model, train, "-o", str(page), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["evaluate", model, train, "--quiet"]) == 0
    return request.param, page, capsys.readouterr().out


def test_page_has_all_sections_and_no_markup_of_the_data(report):
    n_classes, path, evaluation = report
    text = path.read_text()
    page = Page(text)
    assert not page.open
    assert set(page.ids) == SECTIONS
    assert not page.tags & {"script", "img", "iframe", "object"}
    assert page.links == ["data:,"]
    assert not re.search(r"https?://|@import|url\(", text)
    assert HOSTILE in page.words
    accuracy = re.search(r"accuracy +([\d.]+)", evaluation)[1]
    assert accuracy in page.words
    assert f"{n_classes}" in page.words
    assert len(text) < 500_000


def test_chromium_shows_it_without_errors_or_requests(report, tmp_path):
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    _, path, _ = report
    console, asked, document = requests(path, tmp_path)
    assert not console
    assert not asked
    assert set(Page(document).ids) == SECTIONS


def test_requests_and_errors_would_be_seen(tmp_path):
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    page = tmp_path / "page.html"
    page.write_text("<img src=http://page.invalid/a.png><script>console.error('x')</script>")
    console, asked, _ = requests(page, tmp_path)
    assert console
    assert asked


def test_vectors_have_a_shorter_page(tmp_path):
    data = tmp_path / "a.svm"
    data.write_text("".join(f"{i % 2} {1 + i % 2}:1 {3 + i % 5}:0.5\n" for i in range(100)))
    model, page = str(tmp_path / "m"), tmp_path / "r.html"
    assert main(["train", str(data), model, "--bits", "8", "--quiet"]) == 0
    assert main(["report", model, str(data), "-o", str(page), "--quiet"]) == 0
    assert set(Page(page.read_text()).ids) == SECTIONS - {"top", "worst"}


def test_what_cannot_be_written_is_told_first(tmp_path, capsys):
    assert main(["report", "no-model", "no-data", "-o", str(tmp_path / "no" / "r.html")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def facts_of(path):
    return dict(
        re.findall(r'<th scope="row">([^<]*)</th><td class="left">([^<]*)', path.read_text())
    )


def test_facts_are_those_of_the_model(tmp_path):
    texts, labels = ["ship sail", "bird wind"] * 20, ["sea", "sky"] * 20
    model = TextClassifier(max_iter=3, n_features=2**10).fit(texts, labels)
    data, page = tmp_path / "data.tsv", tmp_path / "report.html"
    data.write_text("".join(f"{k}\t{t}\n" for k, t in zip(labels, texts, strict=True)))
    for serving in (False, True):
        model.save(tmp_path / "m", serving=serving)
        assert main(["report", str(tmp_path / "m"), str(data), "-o", str(page), "--quiet"]) == 0
        facts = facts_of(page)
        assert (facts["update"], facts["epochs"], facts["steps"]) == ("comid", "3", "120")


def test_an_older_page_stays_until_the_new_one_is_whole(report, tmp_path, monkeypatch, capsys):
    _, page, _ = report
    before = page.read_bytes()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    command = ["report", str(tmp_path / "m"), str(tmp_path / "train.tsv"), "-o", str(page)]
    assert main([*command, "--quiet"]) == 1
    assert "No space left" in capsys.readouterr().err
    assert page.read_bytes() == before


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Four times the rows, all of them wrong, in a fraction of the size that they add."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of a process by itself is told by Linux alone")
    model, peaks = str(tmp_path / "m"), []
    train = write_rows(tmp_path / "train.tsv", ["a", "b"], 100)
    assert main(["train", train, model, "--bits", "12", "--quiet"]) == 0
    code = (
        "import sys; from fastada.cli import main; main(sys.argv[1:]); "
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    for n_rows in (30_000, 120_000):
        data = tmp_path / "data.tsv"
        data.write_text(f"b\tword0 {'and then some ' * 70}\n" * n_rows)
        command = ["report", model, str(data), "-o", str(tmp_path / "r.html"), "--quiet"]
        options = [sys.executable, "-c", code, *command, "--threads", "1"]
        done = subprocess.run(options, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[1]) * 1024)
    assert peaks[1] - peaks[0] < (os.path.getsize(data) * 3 / 4) / 4
