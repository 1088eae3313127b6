from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.plugins.auth_jwt.support import SECRET, private_pem, public_pem

from gatewright_auth_jwt.settings import JwtSettings


def problems(**options):
    with pytest.raises(ValidationError) as caught:
        JwtSettings.model_validate(options)
    return {
        ".".join(str(part) for part in error["loc"]): error["msg"]
        for error in caught.value.errors(include_input=False, include_url=False)
    }


def test_the_defaults_are_the_contracts():
    settings = JwtSettings(public_key_file=Path("key.pem"))

    assert settings.algorithms == ("RS256",)
    assert settings.user_id_claim == "user_id"
    assert settings.subjects_claim is None
    assert settings.leeway == 0
    assert settings.require_exp
    assert settings.close_on_expiry
    assert settings.tokens == ("header", "query", "protocol")
    assert settings.issuer is settings.audience is None
    assert settings.cache_tokens == 10_000


def test_one_text_stands_for_a_list_of_one():
    settings = JwtSettings.model_validate(
        {
            "algorithms": "ES256",
            "public_key_file": "key.pem",
            "issuer": "https://a.example",
            "audience": ["a", "b"],
            "tokens": "header",
        }
    )

    assert settings.algorithms == ("ES256",)
    assert settings.issuer == ("https://a.example",)
    assert settings.audience == ("a", "b")
    assert settings.tokens == ("header",)


def test_environment_texts_become_numbers_and_truth_values():
    settings = JwtSettings.model_validate(
        {"public_key_file": "key.pem", "leeway": "5", "require_exp": "false"}
    )

    assert settings.leeway == 5
    assert not settings.require_exp


@pytest.mark.parametrize(
    ("options", "path", "text"),
    [
        ({}, "", "no key to check tokens with; set jwks_url, public_key_file or public_key"),
        (
            {"algorithms": ["RS256", "HS256"], "public_key_file": "key.pem"},
            "algorithms",
            "HS256 needs a shared secret and RS256 a public key; list one sort only",
        ),
        (
            {"algorithms": ["HS256"], "jwks_url": "https://idp.example/keys"},
            "jwks_url",
            "HS256 has no public keys to fetch; use public_key or public_key_file",
        ),
        (
            {"jwks_url": "https://user:word@idp.example/keys"},
            "jwks_url",
            "must be an http(s) address without user name, password or fragment",
        ),
        (
            {"jwks_url": "file:///etc/passwd"},
            "jwks_url",
            "must be an http(s) address without user name, password or fragment",
        ),
        (
            {"jwks_url": "https://[::1"},
            "jwks_url",
            "must be an http(s) address without user name, password or fragment",
        ),
        (
            {"algorithms": ["HS256"], "public_key": public_pem("RSA")},
            "public_key",
            "is an asymmetric key or certificate, which no HS algorithm may use as its secret",
        ),
        (
            {"public_key": private_pem("RSA")},
            "public_key",
            "is a private key; give the public one, which is all that checking tokens needs",
        ),
        (
            {"algorithms": ["ES384"], "public_key": public_pem("ES256")},
            "public_key",
            "is a key of type P-256, which fits none of ES384",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(options, path, text):
    assert problems(**options) == {path: text}


@pytest.mark.parametrize("algorithm", ["none", "None", "RS1", "HS257", ""])
def test_algorithms_that_are_no_protection_are_unknown(algorithm):
    assert list(problems(algorithms=[algorithm], public_key_file="key.pem")) == ["algorithms.0"]


@pytest.mark.parametrize("option", ["algorithms", "tokens", "issuer", "audience"])
def test_an_empty_list_is_refused_rather_than_read_as_anything(option):
    assert list(problems(public_key_file="key.pem", **{option: []})) == [option]


def test_no_less_than_nothing_is_remembered():
    assert list(problems(public_key_file="key.pem", cache_tokens=-1)) == ["cache_tokens"]


def test_a_key_that_is_not_used_is_not_judged():
    settings = JwtSettings.model_validate(
        {"jwks_url": "https://idp.example/keys", "public_key": "left over"}
    )

    assert settings.jwks_url == "https://idp.example/keys"


def test_nothing_is_the_same_as_absent():
    settings = JwtSettings.model_validate({"jwks_url": None, "public_key": public_pem("RSA")})

    assert settings.jwks_url is None


def test_the_key_is_masked():
    settings = JwtSettings.model_validate({"algorithms": "HS256", "public_key": SECRET})

    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()


def test_every_option_is_described():
    schema = JwtSettings.model_json_schema()

    assert all(option.get("description") for option in schema["properties"].values())
