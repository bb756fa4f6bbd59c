"""The flags of all commands."""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from typing import Any, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

FORMATS = ("csv", "tsv", "jsonl", "parquet", "svmlight", "fasttext", "vw", "text")


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal, or as COLUMNS says.

    argparse would ask shutil, which takes longer to load than all of a command line to parse.
    """

    def __init__(self, prog: str, **others: Any) -> None:
        width = os.environ.get("COLUMNS", "")
        n_columns = int(width) if width.isdecimal() else 0
        with suppress(OSError):  # of what is no terminal
            n_columns = n_columns or os.get_terminal_size().columns
        super().__init__(prog, width=(n_columns or 80) - 2, **others)


def make_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Make the parser of the command line, with the flags of one command alone if that is known."""
    parser = argparse.ArgumentParser(
        prog="fastada",
        description="Sparse linear text classifiers trained by AdaGrad.",
        epilog="examples:\n"
        "  fastada demo\n"
        "  fastada train reviews.csv model.safetensors\n"
        "  fastada evaluate model.safetensors test.csv\n"
        "  fastada predict model.safetensors new.csv > labels.txt\n"
        '  fastada explain model.safetensors "what a film"\n'
        "  fastada report model.safetensors test.csv -o report.html\n"
        "  fastada inspect model.safetensors\n\n"
        "Each command has its own --help. Exit codes: 0 done, 1 failed, 2 wrong usage,\n"
        "130 interrupted, 141 the reader of the output went away.",
        formatter_class=HelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    add = {
        "train": _add_train,
        "predict": _add_predict,
        "evaluate": _add_evaluate,
        "explain": _add_explain,
        "report": _add_report,
        "inspect": _add_inspect,
        "demo": _add_demo,
    }
    for add_one in [add[command]] if command in add else add.values():
        add_one(commands)
    return parser


def _command(commands: Commands, name: str, text: str, examples: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=HelpFormatter,
    )


def _add_train(commands: Commands) -> None:
    parser = _command(
        commands,
        "train",
        "learn a file of labelled texts or vectors, and save the model",
        "  fastada train reviews.csv model.safetensors\n"
        "  fastada train reviews.tsv.gz model.safetensors --ngrams 1 3 --bits 22 --threads 2\n"
        "  fastada train mails.jsonl model.safetensors --text-column body --label-column folder\n"
        "  zcat huge.tsv.gz | fastada train - model.safetensors --format tsv --epochs 1\n"
        "  fastada train huge.tsv model.safetensors --checkpoint-every 1000000 --resume\n"
        "  fastada train more.csv newer.safetensors --continue model.safetensors",
    )
    _add_file(parser)
    parser.add_argument("model", metavar="MODEL", help="where to save the model")
    text = parser.add_argument_group("text")
    text.add_argument("--analyzer", choices=["word", "char", "char_wb"], help="default: word")
    text.add_argument("--ngrams", nargs=2, type=int, metavar=("MIN", "MAX"), help="default: 1 2")
    text.add_argument("--keep-case", action="store_true", help="do not turn texts to lower case")
    text.add_argument("--counts", action="store_true", help="counts, not 1 + log(count)")
    text.add_argument("--no-idf", action="store_true", help="no inverse document frequency")
    learning = parser.add_argument_group("learning")
    learning.add_argument("--bits", type=int, help="2**BITS columns to hash to (default: 20)")
    learning.add_argument("--epochs", type=int, default=5, help="default: 5")
    learning.add_argument(
        "--learning-rate",
        type=_rate,
        default="auto",
        metavar="RATE",
        help="default: searched for, by the losses of rows before they are learned",
    )
    learning.add_argument("--alpha", type=float, help="strength of the penalty (default: 0)")
    learning.add_argument("--l1-ratio", type=float, help="its L1 part, 0 to 1 (default: 0)")
    learning.add_argument("--no-shuffle", action="store_true", help="take rows as they come")
    learning.add_argument("--seed", type=int, default=0, help="of the shuffling (default: 0)")
    learning.add_argument(
        "--memory",
        type=int,
        default=1024,
        metavar="MB",
        help="rows beyond this are read again in each epoch, and shuffled in parts (default: 1024)",
    )
    going_on = parser.add_argument_group("going on")
    going_on.add_argument(
        "--continue",
        dest="previous",
        metavar="MODEL",
        help="learn FILE on top of a model saved for training: with its features, for its labels, "
        "and unless others are given at its learning rate and penalty",
    )
    going_on.add_argument(
        "--checkpoint-every",
        type=int,
        metavar="ROWS",
        help="save what has been learned to MODEL.checkpoint, between two buffers or epochs, once "
        "so many rows have been learned since the last time; it goes when the model is saved",
    )
    going_on.add_argument(
        "--resume",
        action="store_true",
        help="go on from MODEL.checkpoint, if it is there, to the same bits as an undisturbed run "
        "with the same options",
    )
    parser.add_argument(
        "--save",
        choices=["training", "serving", "serving-float16"],
        default="training",
        help="what training goes on from (default), or what predictions need alone, its weights "
        "as they are or rounded to 11 bits",
    )
    _add_threads(
        parser,
        "that read text and learn, each a share of the rows; another number that learns gives "
        "another model (default: all cores read, one learns)",
    )
    _add_bad_rows(parser)
    _add_json(parser, "the summary as JSON on stdout")


def _add_predict(commands: Commands) -> None:
    parser = _command(
        commands,
        "predict",
        "print the label of each row, in the order of the file",
        "  fastada predict model.safetensors new.csv > labels.txt\n"
        '  echo "what a film" | fastada predict model.safetensors - --format text --proba\n'
        "  fastada predict model.safetensors new.jsonl --json | jq .label",
    )
    parser.add_argument("model", metavar="MODEL")
    _add_file(parser)
    parser.add_argument(
        "--proba", action="store_true", help="after each label, a tab and its probability"
    )
    _add_threads(parser)
    _add_bad_rows(parser, " An empty line stands for a row skipped.")
    _add_json(parser, "a JSON object a line: label and all probabilities")


def _add_evaluate(commands: Commands) -> None:
    parser = _command(
        commands,
        "evaluate",
        "compare predictions with the labels of a file",
        "  fastada evaluate model.safetensors test.csv\n"
        "  fastada evaluate model.safetensors test.csv --json",
    )
    parser.add_argument("model", metavar="MODEL")
    _add_file(parser)
    _add_threads(parser)
    _add_bad_rows(parser)
    _add_json(parser, "JSON on stdout")


def _add_explain(commands: Commands) -> None:
    parser = _command(
        commands,
        "explain",
        "say what each n-gram of a text adds to the margin of a class",
        '  fastada explain model.safetensors "what a film"\n'
        '  fastada explain model.safetensors "what a film" --label neg --top 5 --json',
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("text", metavar="TEXT", help='the text; "-" reads standard input')
    parser.add_argument("--label", help="the class; by default the one predicted")
    parser.add_argument("--top", type=int, default=20, metavar="N", help="default: 20")
    _add_json(parser, "JSON on stdout")


def _add_inspect(commands: Commands) -> None:
    parser = _command(
        commands,
        "inspect",
        "say what is in a model's file, without reading all of it",
        "  fastada inspect model.safetensors\n"
        "  fastada inspect model.safetensors --json | jq .loss_curve",
    )
    parser.add_argument("model", metavar="MODEL")
    _add_json(parser, "JSON on stdout")


def _add_report(commands: Commands) -> None:
    parser = _command(
        commands,
        "report",
        "write an HTML page about a model and a file of labelled rows",
        "  fastada report model.safetensors test.csv -o report.html",
    )
    parser.add_argument("model", metavar="MODEL")
    _add_file(parser)
    parser.add_argument("-o", "--output", required=True, metavar="PAGE", help="where to save it")
    _add_threads(parser)
    _add_bad_rows(parser)


def _add_demo(commands: Commands) -> None:
    parser = _command(
        commands,
        "demo",
        "train on real text that is already here, and report",
        "  fastada demo\n  fastada demo --dataset 20newsgroups",
    )
    parser.add_argument(
        "--dataset",
        choices=["docstrings", "20newsgroups"],
        default="docstrings",
        help="the docstrings of the installed libraries (default), or 20 newsgroups, which "
        "scikit-learn fetches once",
    )


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help='may be .gz, .xz, .bz2 or .zst; "-" is standard input'
    )
    group = parser.add_argument_group("file", "What is not said is guessed, and told on stderr.")
    group.add_argument("--format", choices=FORMATS)
    group.add_argument("--text-column", metavar="COLUMN", help="name, or number from 1")
    group.add_argument("--label-column", metavar="COLUMN", help="name, or number from 1")
    group.add_argument("--header", action=argparse.BooleanOptionalAction)
    group.add_argument(
        "--quoting",
        action=argparse.BooleanOptionalAction,
        help="fields may stand in double quotes (default: in CSV, not in TSV)",
    )


def _add_bad_rows(parser: argparse.ArgumentParser, more: str = "") -> None:
    parser.add_argument(
        "--bad-rows",
        choices=["refuse", "skip"],
        default="refuse",
        help="stop at the first row that cannot be used (default), or tell, count and skip." + more,
    )


def _add_threads(
    parser: argparse.ArgumentParser, text: str = "that read text (default: all cores)"
) -> None:
    parser.add_argument("--threads", type=int, metavar="N", help=text)
    parser.add_argument("--quiet", action="store_true", help="nothing but warnings on stderr")


def _add_json(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--json", action="store_true", help=text)


def _rate(text: str) -> float | str:
    return "auto" if text == "auto" else float(text)
