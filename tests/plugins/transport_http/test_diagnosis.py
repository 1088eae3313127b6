"""What the doctor finds for this transport."""

import pytest
from tests.support.diagnosis import CONTEXT, diagnosed

from gatewright import DiagnosisContext, Finding, ServerInfo
from gatewright_transport_http import gatewright_transport

pytestmark = pytest.mark.anyio

GOOD = "0123456789abcdef"
FIX = "openssl rand -hex 32, in transports.acme.api_keys"
APART = DiagnosisContext("acme", "transports.acme", server=ServerInfo(separate_internal=True))


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ({"api_keys": [GOOD]}, Finding.ok("keys", "1, of 16 characters or more")),
        (
            {"api_keys": [GOOD, "tour-key"]},
            Finding.warning("keys", "key 2 of 2 is one that anybody would try", fix=FIX),
        ),
        (
            {"api_keys": ["x7Zq", GOOD]},
            Finding.warning("keys", "key 1 of 2 is shorter than 16 characters", fix=FIX),
        ),
        (
            {"insecure": True},
            Finding.warning(
                "keys", "none: whoever reaches the port may publish and disconnect", fix=FIX
            ),
        ),
    ],
)
async def test_keys(options, finding):
    assert (await diagnosed(gatewright_transport, **options))["keys"] == finding


@pytest.mark.parametrize(
    ("context", "options", "finding"),
    [
        (CONTEXT, {}, Finding.ok("presence", "asking who is connected needs a key")),
        (
            APART,
            {},
            Finding.ok("presence", "asking who is connected needs no key, on the internal bind"),
        ),
        (
            APART,
            {"presence_requires_key": True},
            Finding.ok("presence", "asking who is connected needs a key"),
        ),
        (
            CONTEXT,
            {"presence_requires_key": False},
            Finding.warning(
                "presence",
                "asking who is connected needs no key, where clients connect",
                fix="list transports.acme.api_keys and set presence_requires_key: true",
            ),
        ),
    ],
)
async def test_who_may_ask(context, options, finding):
    findings = await diagnosed(gatewright_transport, context, api_keys=[GOOD], **options)

    assert findings["presence"] == finding
