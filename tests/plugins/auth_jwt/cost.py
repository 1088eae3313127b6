"""What a handshake's token costs, as parts of what PyJWT alone takes for it; also a command.

::

    python -m tests.plugins.auth_jwt.cost --rounds 15

Everything is measured in turn, in one process, and the quickest round of each counts: on a busy
machine the figures move, their ratios hold.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from pathlib import Path

import jwt
from tests.plugins.auth_jwt.support import SECRET, at_once, bearer, public_pem, token

from gatewright_auth_jwt.authenticator import JwtAuthenticator
from gatewright_auth_jwt.fixed_key import FixedKey
from gatewright_auth_jwt.key_text import key_set_from_text
from gatewright_auth_jwt.settings import JwtSettings
from gatewright_auth_jwt.turns import Turns

KEYS = {"RS256": "RSA", "ES256": "ES256", "HS256": ""}
ISSUER, AUDIENCE = "https://id.example.com", "gateway"
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "iat": int(time.time()), "rooms": ["room:1", "room:2"]}


def keys_of(algorithm):
    return key_set_from_text(
        public_pem(KEYS[algorithm]) if KEYS[algorithm] else SECRET, [algorithm]
    )


def authenticator(algorithm, **options):
    settings = JwtSettings.model_validate(
        {
            "algorithms": algorithm,
            "public_key_file": Path("unused"),
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "subjects_claim": "rooms",
            **options,
        }
    )
    return JwtAuthenticator(settings, FixedKey(keys_of(algorithm)))


def ways(algorithm):
    """Return what is compared, by name: functions without arguments."""
    offered = token(KEYS[algorithm], algorithm, {"kid": "2026-01"}, **CLAIMS)
    handshake, (key,) = bearer(offered), keys_of(algorithm).find(algorithm)
    cold, warm = authenticator(algorithm, cache_tokens=0), authenticator(algorithm)
    cold._turns = Turns(float("inf"))
    signed, _, signature = offered.rpartition(".")
    arguments = signed.encode(), key.key, jwt.utils.base64url_decode(signature)
    decoder = jwt.PyJWT({"verify_sub": False, "verify_jti": False})
    expected = {"issuer": ISSUER, "audience": AUDIENCE}
    return {
        "pyjwt": lambda: decoder.decode(offered, key, [algorithm], **expected),
        "signature": lambda: key.Algorithm.verify(*arguments),
        "checked": lambda: at_once(cold.authenticate(handshake)),
        "remembered": lambda: at_once(warm.authenticate(handshake)),
    }


async def costs(algorithm, *, rounds, calls=200):
    """Return the cost of each way, as a part of PyJWT's."""
    compared = ways(algorithm)
    best = dict.fromkeys(compared, float("inf"))
    for _ in range(rounds):
        for name, way in compared.items():
            began = time.perf_counter()
            for _ in range(calls):
                way()
            best[name] = min(best[name], time.perf_counter() - began)
        await asyncio.sleep(0)
    return {name: seconds / best["pyjwt"] for name, seconds in best.items()}


async def storm(clients):
    """Let clients with different tokens come at once; return the turns of the loop, in seconds."""
    handshakes = [bearer(token(user_id=str(number), **CLAIMS)) for number in range(clients)]
    judge, moments = authenticator("RS256"), []
    coming = asyncio.gather(*(judge.authenticate(handshake) for handshake in handshakes))
    while not coming.done():
        moments.append(time.perf_counter())
        await asyncio.sleep(0)
    moments.append(time.perf_counter())
    await coming
    return sorted(after - before for before, after in itertools.pairwise(moments))


async def report(rounds, clients):
    print(f"{'':8}{'signature':>12}{'checked':>12}{'remembered':>12}   as parts of PyJWT's decode")
    for algorithm in KEYS:
        found = await costs(algorithm, rounds=rounds)
        columns = (found[name] for name in ("signature", "checked", "remembered"))
        print(f"{algorithm:8}" + "".join(f"{column:12.2f}" for column in columns))
    turns = await storm(clients)
    print(
        f"{clients} clients at once: {len(turns)} turns of the loop, half of them shorter than "
        f"{turns[len(turns) // 2] * 1000:.1f} ms; all checks {sum(turns) * 1000:.0f} ms"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--clients", type=int, default=1000)
    options = parser.parse_args()
    asyncio.run(report(options.rounds, options.clients))


if __name__ == "__main__":
    main()
