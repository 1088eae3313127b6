"""One message each way, step by step, as a user would see it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
from scripts.demo.plan import DEMO_KEY, Plan
from websockets.asyncio.client import ClientConnection, connect

__all__ = ["check"]

_STEP_SECONDS: Final = 20.0
_USER: Final = "demo-check"


class _Flow:
    """The steps, in their order; each raises what it finds wrong."""

    def __init__(self, plan: Plan, http: httpx.AsyncClient) -> None:
        self._plan = plan
        self._http = http
        self._token = ""
        self._client: ClientConnection

    def steps(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        return [
            ("the backend answers", self._ping),
            ("it issues a token", self._issue),
            ("a client connects to the gateway", self._connect),
            ("presence shows the user", self._shown),
            ("a push reaches the client", self._push),
            ("a message of the client reaches the backend", self._say),
            ("what is said in the chat comes back", self._chat),
            ("the client leaves, and presence shows it", self._leave),
        ]

    async def _ping(self) -> None:
        await self._get("/api/ping")

    async def _issue(self) -> None:
        self._token = (await self._post("/demo/token", {"user_id": _USER}))["token"]

    async def _connect(self) -> None:
        protocols: Any = ["bearer", self._token]
        self._client = await connect(
            self._plan.sockets[-1], subprotocols=protocols, open_timeout=_STEP_SECONDS, proxy=None
        )

    async def _shown(self) -> None:
        await self._until_online(online=True)

    async def _push(self) -> None:
        await self._post(f"/api/push-demo/{_USER}", {"pushed": 1})
        await self._heard(lambda payload: payload == {"pushed": 1})

    async def _say(self) -> None:
        said = {"said": "by the client"}
        await self._client.send(json.dumps(said))
        while (await self._last_message()) != said:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)

    async def _chat(self) -> None:
        await self._client.send(json.dumps({"type": "chat", "text": "hello, room"}))
        await self._heard(
            lambda payload: isinstance(payload, dict) and payload.get("text") == "hello, room"
        )

    async def _leave(self) -> None:
        await self._client.close()
        await self._until_online(online=False)

    async def end(self) -> None:
        if hasattr(self, "_client"):
            await self._client.close()

    async def _heard(self, wanted: Callable[[Any], bool]) -> None:
        while True:
            frame = json.loads(await self._client.recv())
            if frame["type"] == "event" and wanted(frame["payload"]):
                return

    async def _until_online(self, *, online: bool) -> None:
        path = f"/api/online?user_id={_USER}"
        while (await self._get(path))["online"] is not online:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)

    async def _last_message(self) -> object:
        answer = await self._http.get("/api/ws/last-message", headers={"X-Demo-Key": DEMO_KEY})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return _read(answer)["message"]

    async def _get(self, path: str) -> Any:  # noqa: ANN401 - whatever it answers
        return _read(await self._http.get(path))

    async def _post(self, path: str, body: object) -> Any:  # noqa: ANN401 - as above
        return _read(await self._http.post(path, json=body))


async def check(plan: Plan, say: Callable[[str], None]) -> bool:
    """Go through the steps and say how each went; stop at the first that fails.

    Returns:
        Whether all went well.
    """
    async with httpx.AsyncClient(
        base_url=plan.backend, trust_env=False, timeout=_STEP_SECONDS
    ) as http:
        flow = _Flow(plan, http)
        try:
            for words, step in flow.steps():
                if (problem := await _tried(step)) is not None:
                    say(f"failed  {words}: {problem}")
                    return False
                say(f"ok      {words}")
        finally:
            await flow.end()
    return True


async def _tried(step: Callable[[], Awaitable[None]]) -> str | None:
    """Return what went wrong with a step, None where nothing did."""
    try:
        async with asyncio.timeout(_STEP_SECONDS):
            await step()
    except TimeoutError:
        return f"not within {_STEP_SECONDS:g} seconds"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return f"{type(error).__name__}: {error}"
    return None


def _read(answer: httpx.Response) -> Any:  # noqa: ANN401 - whatever it answers
    if answer.is_error:
        message = f"{answer.request.url.path} answered {answer.status_code}: {answer.text}"
        raise RuntimeError(message)
    return answer.json()
