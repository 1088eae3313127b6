"""Authenticates gatewright's clients by JSON Web Token."""

from __future__ import annotations

from typing import Any

from gatewright import Authenticator, Factory, hookimpl
from gatewright_auth_jwt.development import develop
from gatewright_auth_jwt.diagnosis import diagnose
from gatewright_auth_jwt.opening import open_authenticator
from gatewright_auth_jwt.settings import JwtSettings

__all__ = ["GATEWRIGHT_API", "gatewright_auth"]

GATEWRIGHT_API = (1, 0)


@hookimpl
def gatewright_auth() -> Factory[Any, Authenticator]:
    """Declare the ``jwt`` authentication."""
    return Factory(
        settings=JwtSettings,
        open=open_authenticator,
        diagnose=diagnose,
        summary="lets clients in by a signed JSON Web Token",
        develop=develop,
    )
