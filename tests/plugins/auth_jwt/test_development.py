import stat
import threading

import jwt
import pytest
from tests.plugins.auth_jwt.support import bearer, make_context

from gatewright_auth_jwt.development import develop, development_key
from gatewright_auth_jwt.files import KeyFileError
from gatewright_auth_jwt.opening import open_authenticator
from gatewright_auth_jwt.settings import JwtSettings

pytestmark = pytest.mark.anyio


async def test_what_it_issues_its_options_accept(tmp_path):
    development = develop(tmp_path)
    settings = JwtSettings.model_validate(development.options)

    async with open_authenticator(settings, make_context()) as authenticator:
        identity = await authenticator.authenticate(bearer(development.issue("jürgen")))

    assert identity.user_id == "jürgen"


def test_a_token_lasts_twelve_hours(tmp_path):
    claims = jwt.decode(develop(tmp_path).issue("42"), options={"verify_signature": False})

    assert claims["exp"] - claims["iat"] == 12 * 3600


def test_the_key_is_made_once_and_is_private(tmp_path):
    develop(tmp_path)
    first = development_key(tmp_path).read_bytes()
    develop(tmp_path)

    assert development_key(tmp_path).read_bytes() == first
    assert stat.S_IMODE(development_key(tmp_path).stat().st_mode) == 0o600


def test_the_public_half_follows_the_private_one(tmp_path):
    options = develop(tmp_path).options
    before = (tmp_path / "keys" / "dev_public.pem").read_bytes()
    development_key(tmp_path).unlink()
    develop(tmp_path)

    assert options == {
        "algorithms": ["RS256"],
        "public_key_file": str(tmp_path / "keys" / "dev_public.pem"),
    }
    assert (tmp_path / "keys" / "dev_public.pem").read_bytes() != before


def test_gateways_that_start_at_once_share_one_key(tmp_path):
    start = threading.Barrier(4)
    made = []

    def begin():
        start.wait()
        made.append(develop(tmp_path))

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    public = (tmp_path / "keys" / "dev_public.pem").read_bytes()
    tokens = [development.issue("42") for development in made]
    assert len(tokens) == 4
    assert all(jwt.decode(value, public, algorithms=["RS256"]) for value in tokens)


def test_a_spoilt_key_is_named_and_not_replaced(tmp_path):
    path = development_key(tmp_path)
    path.parent.mkdir()
    path.write_text("spoilt")

    with pytest.raises(KeyFileError, match=r"dev_private.pem: is not a PEM private key$"):
        develop(tmp_path)
    assert path.read_text() == "spoilt"
