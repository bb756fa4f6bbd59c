import sys
from pathlib import Path

from fastada import corpus

SOURCE = b'''\
"""Module."""
class A:
    """Class.

        indented
    """
    def method(self):
        "Method."
        x = """not a docstring"""
    async def coroutine(self):
        """Coroutine \\d."""
def nothing(): pass
def blank():
    """   """
'''


def test_docstrings_of_modules_classes_and_functions():
    found = set(corpus.docstrings(SOURCE))
    assert found == {"Module.", "Class.\n\nindented", "Method.", "Coroutine \\d."}


def test_what_is_no_python_has_no_docstrings():
    for source in (b"def", b"\x00", b"\xff\xfe", b"(" * 10_000, b"print 1"):
        assert list(corpus.docstrings(source)) == []


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'"""{text}"""\nraise SystemExit("not to be run")\n')


def test_corpus_labels_by_library_and_leaves_out_tests_and_repeats(tmp_path):
    write(tmp_path / "one", "a.py", "first")
    write(tmp_path / "one", "tests/test_a.py", "of a test")
    write(tmp_path / "one", "site-packages/b.py", "of another library")
    write(tmp_path / "two", "a.py", "first")
    write(tmp_path / "two", "deep/er/b.py", "second")
    found = corpus.docstring_corpus({"one": tmp_path / "one", "two": tmp_path / "two"})
    assert found == (["first", "second"], ["one", "two"])


def test_roots_are_found_without_importing():
    roots = corpus.library_roots()
    assert set(roots) == {"python", *corpus.LIBRARIES}
    assert (roots["python"] / "ast.py").samefile(sys.modules["ast"].__file__)
    assert all((roots[name] / "__init__.py").is_file() for name in corpus.LIBRARIES)
