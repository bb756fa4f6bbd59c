"""Files are written whole or not at all."""

import errno
import os
import stat
import subprocess
import sys

import pytest

from fastada.persistence.atomic import remove_leftovers, replace_file

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


@pytest.fixture
def umask():
    old = os.umask(0o027)
    yield
    os.umask(old)


def test_permissions_are_those_of_open(tmp_path, umask):
    replace_file(tmp_path / "new", [b"ab", b"c"])
    with open(tmp_path / "other", "wb"):
        pass
    assert (tmp_path / "new").read_bytes() == b"abc"
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode
    (tmp_path / "new").chmod(0o604)
    replace_file(tmp_path / "new", [b"d"])
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o604
    assert sorted(os.listdir(tmp_path)) == ["new", "other"]


def test_links_and_devices_stay_what_they_are(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "file")
    replace_file(tmp_path / "link", [b"a"])
    replace_file(tmp_path / "link", [b"b"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "file").read_bytes() == b"b"
    replace_file(os.devnull, [b"a"])
    assert not stat.S_ISREG(os.stat(os.devnull).st_mode)


def test_all_is_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def noted(*args, real=real, name=name):
            calls.append(name)
            return real(*args)

        monkeypatch.setattr(os, name, noted)
    replace_file(tmp_path / "a", [b"a"])
    assert calls == ["fsync", "replace", "fsync"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    (tmp_path / "a").write_bytes(b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, full)
        with pytest.raises(OSError, match="No space left") as error:
            replace_file(tmp_path / "a", [b"new"])
    assert error.value.filename == str(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_an_interruption_leaves_nothing(tmp_path):
    def parts():
        yield b"new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(tmp_path / "a", parts())
    assert not os.listdir(tmp_path)


@linux_only
def test_a_limit_on_the_size_of_files(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    code = (
        "import resource, sys; from fastada.persistence.atomic import replace_file\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "replace_file(sys.argv[1], [b'x' * 100_000])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a"], capture_output=True, text=True
    )
    assert "File too large" in done.stderr
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_folders_that_cannot_be_written(tmp_path):
    for bad in (tmp_path / "missing" / "a", tmp_path):
        with pytest.raises(OSError, match=r".+") as error:
            replace_file(bad, [b"a"])
        assert error.value.filename == str(bad)
    if os.geteuid() != 0:
        (tmp_path / "a").touch(0o400)
        tmp_path.chmod(0o500)
        for name in ("a", "b"):
            with pytest.raises(PermissionError):
                replace_file(tmp_path / name, [b"a"])
        tmp_path.chmod(0o700)


def test_leftovers_of_the_killed_are_removed(tmp_path):
    ours = [f".m[1].{'0a' * 6}.tmp", f".m[1].{'9' * 12}.tmp"]
    others = [f".m[1].b.{'9' * 12}.tmp", f".m1.{'9' * 12}.tmp", ".m[1].b.tmp", "m[1]"]
    for name in ours + others:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "m[1]")
    assert sorted(os.listdir(tmp_path)) == sorted(others)
