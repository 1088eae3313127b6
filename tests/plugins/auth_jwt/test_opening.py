import pytest
from tests.plugins.auth_jwt.support import bearer, make_context, private_pem, public_pem, token

from gatewright import StartError
from gatewright_auth_jwt.opening import NoUsableKey, open_authenticator
from gatewright_auth_jwt.settings import JwtSettings

pytestmark = pytest.mark.anyio


async def opened_user(context=None, key="RSA", **options):
    settings = JwtSettings.model_validate(options)
    async with open_authenticator(settings, context or make_context()) as authenticator:
        return (await authenticator.authenticate(bearer(token(key)))).user_id


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(public_pem("RSA"))
    return file


async def test_a_text_is_used(path):
    assert await opened_user(public_key=public_pem("RSA")) == "42"


async def test_a_file_comes_before_the_text(path):
    assert await opened_user(public_key=public_pem("RSA-other"), public_key_file=path) == "42"


async def test_an_address_comes_before_both_and_need_not_answer_to_open(path):
    settings = JwtSettings.model_validate(
        {"jwks_url": "http://127.0.0.1:1/keys", "public_key_file": path, "public_key": "x"}
    )

    async with open_authenticator(settings, make_context()) as authenticator:
        health = authenticator.health()

    assert not health.ready
    assert health.detail == "no key set from 127.0.0.1:1 yet"


async def test_the_text_stands_in_for_a_missing_file(tmp_path, logged):
    user = await opened_user(
        make_context(logged), public_key=public_pem("RSA"), public_key_file=tmp_path / "none.pem"
    )

    assert user == "42"
    assert logged.events("info") == ["no key file, using public_key"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "cannot be read: No such file or directory"),
        ("hello", "is not a PEM public key or certificate"),
        (
            private_pem("RSA"),
            "is a private key; give the public one, which is all that checking tokens needs",
        ),
        (public_pem("RSA-1024"), "is an RSA key of 1024 bits; at least 2048 are needed"),
    ],
)
async def test_an_unusable_file_stops_the_start_and_is_named(tmp_path, text, why):
    path = tmp_path / "key.pem"
    if text is not None:
        path.write_text(text)

    with pytest.raises(NoUsableKey) as caught:
        await opened_user(public_key_file=path)

    assert str(caught.value) == f"auth.jwt.public_key_file: {path} {why}"
    assert isinstance(caught.value, StartError)


async def test_a_file_with_a_public_key_is_no_secret(path):
    with pytest.raises(NoUsableKey, match=r"which no HS algorithm may use as its secret$"):
        await opened_user(algorithms=["HS256"], public_key_file=path)


async def test_an_unusable_text_that_stands_in_stops_the_start_unshown(tmp_path):
    with pytest.raises(NoUsableKey) as caught:
        await opened_user(public_key="hunter2", public_key_file=tmp_path / "none.pem")

    assert str(caught.value) == "auth.jwt.public_key: is not a PEM public key or certificate"


async def test_a_short_secret_is_warned_about_once_without_showing_it(logged):
    settings = JwtSettings.model_validate({"algorithms": "HS256", "public_key": "hunter2"})
    async with open_authenticator(settings, make_context(logged)):
        pass

    assert [entry["event"] for entry in logged.entries] == ["weak secret"]
    assert "hunter2" not in str(logged.entries)
