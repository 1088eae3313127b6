import stat
from importlib.metadata import entry_points

import jwt
import pytest
import typer
from tests.plugins.auth_jwt.support import SECRET, private_pem, public_pem
from typer.testing import CliRunner

from gatewright import OperatorError
from gatewright_auth_jwt.development import develop

MAKE_IT = "start 'gatewright dev' once, which makes it, or name a --key"
PAIRS = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES256K, ES384, ES512, EdDSA"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command as the command line does, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    app = typer.Typer()
    for name in ("keys", "token"):
        (command,) = entry_points(group="gatewright.command", name=name)
        app.command(name)(command.load())

    def invoke(*arguments):
        return CliRunner().invoke(app, arguments, catch_exceptions=False)

    return invoke


def claims_of(result, key, algorithm="RS256"):
    assert result.exit_code == 0
    return jwt.decode(
        result.stdout.strip(), key, algorithms=[algorithm], options={"verify_exp": False}
    )


def test_a_token_is_signed_with_the_development_key(run, tmp_path):
    develop(tmp_path / "var")
    public = (tmp_path / "var" / "keys" / "dev_public.pem").read_bytes()

    claims = claims_of(run("token", "--user", "jürgen"), public)

    assert claims["user_id"] == "jürgen"
    assert claims["exp"] - claims["iat"] == 3600


def test_the_development_key_is_in_the_state_directory(run, tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    develop(tmp_path / "state")
    public = (tmp_path / "state" / "keys" / "dev_public.pem").read_bytes()

    assert claims_of(run("token", "-u", "42"), public)["user_id"] == "42"


@pytest.mark.parametrize(
    ("key", "algorithm", "arguments"),
    [
        ("RSA", "RS256", []),
        ("RSA", "PS384", ["--algorithm", "PS384"]),
        ("ES512", "ES512", []),
        ("EdDSA", "EdDSA", []),
    ],
)
def test_any_key_signs_with_its_own_algorithm_or_the_one_named(
    run, tmp_path, key, algorithm, arguments
):
    (tmp_path / "key.pem").write_text(private_pem(key))

    result = run("token", "--user", "42", "--key", "key.pem", *arguments)

    assert claims_of(result, public_pem(key), algorithm)["user_id"] == "42"


@pytest.mark.parametrize("secret", [SECRET, "short"])
def test_a_secret_comes_from_the_environment(run, monkeypatch, secret):
    monkeypatch.setenv("JWT_PUBLIC_KEY", secret)

    result = run("token", "--user", "42", "--secret-env", "JWT_PUBLIC_KEY")

    assert result.exit_code == 0
    assert jwt.get_unverified_header(result.stdout.strip())["alg"] == "HS256"
    assert result.stderr == ""


def test_claims_subjects_and_expiry_are_what_was_asked_for(run, tmp_path):
    (tmp_path / "key.pem").write_text(private_pem("RSA"))

    result = run(
        *("token", "--user", "42", "--key", "key.pem", "--claim-name", "sub"),
        *("--subject", "room:1", "--subject", "room:2", "--subjects-claim", "rooms"),
        *("--claim", "role=admin", "--claim", 'list=["a"]', "--claim", "n=7", "--claim", "x=NaN"),
        *("--claim", "url=a=b", "--expires", "-60"),
    )

    claims = claims_of(result, public_pem("RSA"))
    assert claims["exp"] - claims["iat"] == -60
    del claims["exp"], claims["iat"]
    assert claims == {
        "sub": "42",
        "rooms": ["room:1", "room:2"],
        "role": "admin",
        "list": ["a"],
        "n": 7,
        "x": "NaN",
        "url": "a=b",
    }


def refusal(run, *arguments):
    with pytest.raises(OperatorError) as caught:
        run(*arguments)
    return str(caught.value), caught.value.exit_code


@pytest.mark.parametrize(
    ("arguments", "text", "exit_code"),
    [
        (
            ["token", "--user", "42"],
            f"var/keys/dev_private.pem: no such key; {MAKE_IT}",
            3,
        ),
        (["token", "--user", "42", "--key", "none.pem"], "none.pem: no such key", 3),
        (
            ["token", "--user", "a\nb"],
            "--user: must be 1 to 512 bytes without control characters",
            2,
        ),
        (
            ["token", "--user", "42", "--subject", ""],
            "--subject: must be 1 to 1,024 bytes without control characters",
            2,
        ),
        (
            ["token", "--user", "42", "--claim", "role"],
            "--claim: 'role' is not of the form name=value",
            2,
        ),
        (
            ["token", "--user", "42", "--secret-env", "NOT_SET"],
            "--secret-env: environment variable NOT_SET is not set",
            2,
        ),
        (
            ["token", "--user", "42", "--secret-env", "THE_SECRET", "--algorithm", "RS256"],
            "--algorithm: 'RS256' takes no secret; use HS256, HS384 or HS512",
            2,
        ),
        (
            ["keys", "--algorithm", "HS256"],
            f"--algorithm: 'HS256' has no key pair; use one of {PAIRS}",
            2,
        ),
    ],
)
def test_what_cannot_be_done_is_one_line_that_helps(run, monkeypatch, arguments, text, exit_code):
    monkeypatch.setenv("THE_SECRET", SECRET)

    assert refusal(run, *arguments) == (text, exit_code)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "HS256", "none"])
def test_a_key_signs_with_no_algorithm_that_is_not_its_own(run, tmp_path, algorithm):
    (tmp_path / "key.pem").write_text(private_pem("RSA"))

    text, exit_code = refusal(
        run, "token", "--user", "42", "--key", "key.pem", "--algorithm", algorithm
    )

    assert text.startswith("--algorithm: ")
    assert "\n" not in text
    assert exit_code == 2


def test_a_public_key_as_a_secret_signs_nothing_and_is_not_shown(run, monkeypatch):
    monkeypatch.setenv("THE_SECRET", public_pem("RSA"))

    text, _ = refusal(run, "token", "--user", "42", "--secret-env", "THE_SECRET")

    assert text.startswith("--algorithm: cannot sign with HS256: ")
    assert "MII" not in text


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_made_pair_signs_and_checks(run, tmp_path, algorithm):
    made = run("keys", "--out", "made", "--algorithm", algorithm)
    public = (tmp_path / "made" / "public.pem").read_bytes()

    result = run("token", "--user", "42", "--key", "made/private.pem")

    assert made.stdout == "private key: made/private.pem\npublic key:  made/public.pem\n"
    assert claims_of(result, public, algorithm)["user_id"] == "42"
    assert stat.S_IMODE((tmp_path / "made" / "private.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize("there", ["private.pem", "public.pem"])
def test_keys_that_are_there_are_overwritten_only_by_force(run, tmp_path, there):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / there).write_text("mine")

    text, exit_code = refusal(run, "keys")

    assert text == f"keys/{there}: is there already; use --force to overwrite it"
    assert exit_code == 3
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [there]
    assert (tmp_path / "keys" / there).read_text() == "mine"

    assert run("keys", "--force").exit_code == 0
    assert "BEGIN" in (tmp_path / "keys" / there).read_text()


@pytest.mark.parametrize(
    ("command", "summary", "options"),
    [
        ("token", "Print a signed token", ["--user", "--secret-env", "--claim", "--expires"]),
        ("keys", "Make a key pair", ["--out", "--algorithm", "--force"]),
    ],
)
def test_the_help_names_every_option(run, command, summary, options):
    result = run(command, "--help")

    assert result.exit_code == 0
    assert summary in result.stdout
    assert all(option in result.stdout for option in options)
