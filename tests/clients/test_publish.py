"""Publishing from Node to a real gateway."""

import asyncio
import json
import subprocess

import pytest
from tests.support.gateway import API_KEY, gateway
from tests.support.javascript import NODE
from tests.support.markdown import ROOT
from tests.support.receiver import receiver

pytestmark = pytest.mark.anyio

CALL = """
import { publish } from "./clients/js/src/publish.js";
const call = JSON.parse(process.argv[1]);
const told = await publish(...call).then(
  (sent) => ({ sent }),
  ({ name, message, status, mayRetry }) => ({ name, message, status, mayRetry }),
);
console.log(JSON.stringify(told));
"""


async def publish(*call):
    command = [NODE, "--input-type=module", "--eval", CALL, json.dumps(call)]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"")
    return json.loads(output)


@pytest.fixture(scope="module")
async def running(tmp_path_factory):
    async with gateway(tmp_path_factory.mktemp("gateway")) as started:
        yield started


async def test_a_publication_reaches_its_subjects(running):
    async with running.socket("42") as one, running.socket("43") as other:
        to = {"url": running.http, "apiKey": API_KEY}
        assert await publish(to, "user:42", {"ü": [1]}) == {"sent": {"sent": 1}}
        assert await publish(to, ["user:42", "user:43"], None) == {"sent": {"sent": 2}}

        frames = [json.loads(await one.recv()) for _ in range(2)]
        assert [frame["payload"] for frame in frames] == [{"ü": [1]}, None]
        assert json.loads(await other.recv())["payload"] is None


async def test_the_same_id_reaches_them_once(running):
    async with running.socket("44") as client:
        for _ in range(2):
            call = {"url": running.http, "apiKey": API_KEY}
            await publish(call, "user:44", "once", {"id": "publish-44"})
        await publish({"url": running.http, "apiKey": API_KEY}, "user:44", "after")

        assert [json.loads(await client.recv())["payload"] for _ in range(2)] == ["once", "after"]


async def test_a_wrong_key_is_refused_and_never_told(running):
    told = await publish({"url": running.http, "apiKey": "s3cret-key"}, "user:42", 1)

    assert (told["name"], told["status"], told["mayRetry"]) == ("PublishError", 401, False)
    assert running.internal in told["message"]
    assert "s3cret" not in told["message"]


async def test_what_is_no_gateway_and_what_is_not_there_are_told(unused_port):
    async with receiver() as other:
        told = await publish({"url": other.url, "apiKey": "k"}, "user:42", 1)
    assert (told["status"], told["mayRetry"]) == (404, False)

    absent = await publish({"url": f"http://127.0.0.1:{unused_port}", "apiKey": "k"}, "user:42", 1)
    assert (absent["status"], absent["mayRetry"]) == (None, True)
    assert "does not answer" in absent["message"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ([{"url": "nowhere", "apiKey": "k"}, "a", 1], "url must be an address"),
        ([{"url": "http://h", "apiKey": ""}, "a", 1], "apiKey must be"),
        ([{"url": "http://h", "apiKey": "k\n"}, "a", 1], "apiKey must be"),
        ([{"url": "http://h", "apiKey": "k"}, 42, 1], "subjects must be"),
        ([{"url": "http://h", "apiKey": "k"}, [42], 1], "subjects must be"),
    ],
)
async def test_misuse_is_told(call, said):
    told = await publish(*call)

    assert told["name"] == "TypeError"
    assert said in told["message"]
