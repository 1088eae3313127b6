import os

import anyio
import pytest
from tests.plugins.auth_jwt.support import SECRET, private_key, public_pem

from gatewright import AuthenticationError
from gatewright_auth_jwt import key_file
from gatewright_auth_jwt.key_file import KeyFile
from gatewright_auth_jwt.keys import UnusableKey

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(public_pem("RSA"))
    return file


def replace(path, text):
    """Put another file in place, as deployments do."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


async def numbers(keys):
    (found,) = await keys.find("RS256", None)
    return found.key.public_numbers()


def numbers_of(name):
    return private_key(name).public_key().public_numbers()


async def test_the_key_is_found_whatever_a_token_calls_it(path, logged):
    keys = KeyFile(path, ["RS256"], log=logged.logger)

    assert await keys.find("RS256", "any") == await keys.find("RS256", None)
    with pytest.raises(AuthenticationError, match=r"^key$"):
        await keys.find("PS256", None)


async def test_the_key_object_stays_the_same_from_token_to_token(path, logged):
    keys = KeyFile(path, ["RS256"], log=logged.logger)

    first, second = await keys.find("RS256", None), await keys.find("RS256", None)

    assert first[0].key is second[0].key


async def test_a_replaced_file_is_read_again(path, logged):
    keys = KeyFile(path, ["RS256"], log=logged.logger)
    replace(path, public_pem("RSA-other"))

    assert await keys.poll()
    assert await numbers(keys) == numbers_of("RSA-other")
    assert logged.events("info") == ["key file read again"]


async def test_a_file_written_in_place_is_read_again(path, logged):
    keys = KeyFile(path, ["RS256"], log=logged.logger)
    path.write_text(public_pem("RSA-other"))
    os.utime(path, ns=(1, 1))

    assert await keys.poll()
    assert await numbers(keys) == numbers_of("RSA-other")


async def test_a_file_that_did_not_change_is_left_alone(path, logged):
    keys = KeyFile(path, ["RS256"], log=logged.logger)

    assert not await keys.poll()
    assert logged.entries == []


async def test_a_broken_file_leaves_the_key_in_use_and_is_told_once(path, logged):
    keys = KeyFile(path, ["RS256"], log=logged.logger)
    replace(path, "-----BEGIN PUBLIC KEY-----\nMIIB")

    assert not await keys.poll()
    assert not await keys.poll()
    assert await numbers(keys) == numbers_of("RSA")
    assert logged.events("warning") == ["key file unusable"]
    assert keys.health().ready
    assert keys.health().detail == (
        f"{path} changed and is not a PEM public key or certificate; the key before it stays in use"
    )


async def test_a_mended_file_is_used_and_no_longer_complained_about(path, logged):
    keys = KeyFile(path, ["RS256"], log=logged.logger)
    replace(path, "broken")
    await keys.poll()
    replace(path, public_pem("RSA-other"))

    assert await keys.poll()
    assert keys.health().detail == ""


async def test_a_file_that_goes_away_leaves_the_key_in_use_until_it_is_back(path, logged):
    keys = KeyFile(path, ["RS256"], log=logged.logger)
    path.unlink()
    assert not await keys.poll()
    assert "cannot be read: No such file or directory" in keys.health().detail
    assert await numbers(keys) == numbers_of("RSA")

    path.write_text(public_pem("RSA-other"))
    assert await keys.poll()
    assert await numbers(keys) == numbers_of("RSA-other")


async def test_changes_are_looked_for_while_it_runs(path, logged, monkeypatch):
    monkeypatch.setattr(key_file, "POLL_SECONDS", 0.01)
    read_again = anyio.Event()
    keys = KeyFile(path, ["RS256"], log=logged.logger)
    monkeypatch.setattr(keys, "_warn_of_weakness", read_again.set)
    async with anyio.create_task_group() as group:
        group.start_soon(keys.run)
        replace(path, public_pem("RSA-other"))
        with anyio.fail_after(10):
            await read_again.wait()
        group.cancel_scope.cancel()

    assert await numbers(keys) == numbers_of("RSA-other")


async def test_a_secret_in_a_file_ends_before_the_line_break(tmp_path, logged):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")

    (found,) = await KeyFile(path, ["HS256"], log=logged.logger).find("HS256", None)

    assert found.key == SECRET.encode()


async def test_a_short_secret_is_warned_about_without_showing_it(tmp_path, logged):
    path = tmp_path / "secret"
    path.write_text("hunter2")

    KeyFile(path, ["HS256"], log=logged.logger)

    assert logged.events("warning") == ["weak secret"]
    assert "hunter2" not in str(logged.entries)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is not a PEM public key or certificate"),
        (b"\xff\xfe", "is not text"),
        (b"x" * 70_000, "is larger than 64 KiB"),
    ],
)
def test_an_unusable_file_is_refused_at_start(tmp_path, logged, content, why):
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UnusableKey) as caught:
        KeyFile(path, ["RS256"], log=logged.logger)

    assert str(caught.value) == why


def test_a_folder_is_no_key(tmp_path, logged):
    with pytest.raises(UnusableKey, match="cannot be read: Is a directory"):
        KeyFile(tmp_path, ["RS256"], log=logged.logger)
