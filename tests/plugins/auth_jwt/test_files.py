import errno
import os
import stat
import threading

import pytest

from gatewright_auth_jwt.files import KeyFileError, write_new, write_over


def test_a_new_file_has_its_mode_from_the_start(tmp_path):
    path = tmp_path / "made" / "key.pem"

    assert write_new(path, b"one", 0o600)
    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_is_there_is_left_alone(tmp_path):
    path = tmp_path / "key.pem"
    write_new(path, b"one", 0o600)

    assert not write_new(path, b"two", 0o600)
    assert path.read_bytes() == b"one"


def test_a_file_can_be_replaced_whole(tmp_path):
    path = tmp_path / "key.pem"
    write_new(path, b"one", 0o600)

    write_over(path, b"two", 0o644)

    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_of_many_writers_at_once_one_wins_and_nothing_is_left_behind(tmp_path):
    path = tmp_path / "key.pem"
    start = threading.Barrier(8)
    won = []

    def write(number):
        start.wait()
        if write_new(path, str(number).encode() * 10_000, 0o600):
            won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1
    assert path.read_bytes() == str(won[0]).encode() * 10_000
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_is_named_and_nothing_is_left_behind(tmp_path, monkeypatch):
    path = tmp_path / "key.pem"
    monkeypatch.setattr(os, "fsync", Raises(OSError(errno.ENOSPC, "No space left on device")))

    with pytest.raises(KeyFileError, match=r"cannot be written: No space left on device$"):
        write_over(path, b"secret", 0o600)

    assert list(tmp_path.iterdir()) == []


class Raises:
    def __init__(self, error):
        self.error = error

    def __call__(self, *_):
        raise self.error


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "key.pem"

    with pytest.raises(KeyFileError) as caught:
        write_new(path, b"secret", 0o600)

    assert str(caught.value) == f"{path}: cannot be written: its folder is a file"
    assert caught.value.exit_code == 3
