"""What answers to pings mean, each with what to do about it."""

from __future__ import annotations

from typing import Final

from gatewright import Finding
from gatewright_events_webhook.target import Target

__all__ = ["judge_failure", "judge_forged", "judge_ping"]

_UNKNOWN_TYPE: Final = frozenset({400, 415, 422})
_REFUSED: Final = frozenset({401, 403})


def judge_ping(status: int, target: Target, key: str) -> Finding:
    """Judge the answer to a ping with the right signature."""
    shown = target.shown
    if 200 <= status < 300:  # noqa: PLR2004 - the range is its own name
        return Finding.ok("ping", f"{shown} answered {status}")
    if status in _UNKNOWN_TYPE:
        return Finding.ok("ping", f"{shown} answered {status}: it knows no pings, and need not")
    if status in _REFUSED:
        found = f"{shown} answered {status}: it does not accept the signature"
        return Finding.error("ping", found, fix=f"compare {key}.secret with the receiver's")
    if status == 404:  # noqa: PLR2004
        found = f"{shown} answered 404: the receiver is switched off, or the path is wrong"
        return Finding.error("ping", found, fix=f"switch it on, or mend the path in {key}.url")
    if 300 <= status < 400:  # noqa: PLR2004
        found = f"{shown} answered {status}: redirects are not followed"
        return Finding.error("ping", found, fix=f"write where it leads to in {key}.url")
    fix = "look into the receiver's log for the request with type ping"
    return Finding.error("ping", f"{shown} answered {status}", fix=fix)


def judge_forged(status: int, target: Target) -> Finding:
    """Judge the answer to a ping with a wrong signature."""
    if 200 <= status < 300:  # noqa: PLR2004
        found = f"{target.shown} answered {status} to a wrong signature: anybody may forge events"
        fix = "have the receiver compare X-Webhook-Signature, and answer 401 where it differs"
        return Finding.warning("signature", found, fix=fix)
    return Finding.ok("signature", f"the right one is accepted, a wrong one gets {status}")


def judge_failure(error: str, target: Target, key: str) -> Finding:
    """Judge that there was no answer; ``error`` is in the words of `NoAnswer`."""
    check = "tls" if error.startswith(("certificate", "TLS")) else "reach"
    return Finding.error(check, f"{target.shown}: {error}", fix=_fix(error, target, key))


def _fix(error: str, target: Target, key: str) -> str:
    host = target.url.host
    if error == "host not found":
        return f"getent hosts {host}, or another host in {key}.url"
    if error.startswith("certificate"):
        return f"set {key}.ca_file to the PEM file of the receiver's authority"
    if error.startswith("TLS"):
        return f"write http:// in {key}.url, or the port with TLS"
    if "denied network" in error:
        return f"take its network out of {key}.deny_networks, if it is to be allowed"
    return f"curl -v {target.shown}"
