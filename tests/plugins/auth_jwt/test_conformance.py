"""The jwt authentication against the suite of its kind, with each source of keys."""

from __future__ import annotations

import pytest
from tests.plugins.auth_jwt.support import key_server, public_jwk, public_pem, token

from gatewright.testing.conformance import AuthenticatorCase, AuthenticatorConformance
from gatewright.testing.ports import free_port
from gatewright_auth_jwt import gatewright_auth


def case(options):
    return AuthenticatorCase(
        factory=gatewright_auth(),
        options=options,
        token=lambda user: token(user_id=user),
        bad_tokens=[
            "nonsense",
            token(exp=1),
            token("RSA-other"),
            token(user_id=["42"]),
            token("ES256", "ES256"),
            token(algorithm="HS256"),
        ],
        unavailable={"jwks_url": f"http://127.0.0.1:{free_port()}/keys"},
    )


class TestKeyInTheConfiguration(AuthenticatorConformance):
    @pytest.fixture
    def case(self):
        return case({"public_key": public_pem("RSA")})


class TestKeyFile(AuthenticatorConformance):
    @pytest.fixture
    def case(self, tmp_path):
        path = tmp_path / "public.pem"
        path.write_text(public_pem("RSA"))
        return case({"public_key_file": str(path)})


class TestJwks(AuthenticatorConformance):
    @pytest.fixture
    async def case(self):
        async with key_server() as server:
            server.serve(public_jwk("RSA", alg="RS256"))
            yield case({"jwks_url": server.url})
