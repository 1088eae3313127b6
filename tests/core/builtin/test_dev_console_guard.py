import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gatewright.builtin.dev_console_guard import Guard

pytestmark = pytest.mark.anyio

JSON = "application/json"


async def answer(method="GET", host="localhost:8180", names=(), **headers):
    async def endpoint(request):
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/", Guard(names)(endpoint), methods=["GET", "POST"])])
    given = {"host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        return await client.request(method, "/", headers=given)


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8180", "LOCALHOST", "127.0.0.1:8180", "[::1]:8180", "192.168.1.7:80",
     "box.lan", "BOX.lan:8180"],
)  # fmt: skip
async def test_names_that_can_only_be_ours_are_served(host):
    assert (await answer(host=host, names=["Box.lan"])).text == "done"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8180", "", "localhost:port",
     "user@localhost", "localhost/x", "[::1", "a b"],
)  # fmt: skip
async def test_other_names_are_refused_and_not_repeated(host):
    refused = await answer(host=host, names=["box.lan"])

    assert refused.status_code == 403
    assert "evil" not in refused.text + str(refused.headers)


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
async def test_json_from_a_page_of_ours_is_taken(kind):
    origin = "http://localhost:8180"

    assert (await answer("POST", content_type=kind, origin=origin)).text == "done"
    assert (await answer("POST", content_type=kind, origin=origin.replace("http", "https"))).text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
async def test_what_a_form_could_send_is_refused(kind):
    refused = await answer("POST", content_type=kind, origin="http://localhost:8180")

    assert refused.status_code == 415


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:3000", "http://127.0.0.1:8180",
     "ftp://localhost:8180", "http://localhost:8180.evil.example", ""],
)  # fmt: skip
async def test_another_origin_is_refused(origin):
    assert (await answer("POST", content_type=JSON, origin=origin)).status_code == 403


@pytest.mark.parametrize(("site", "status"), [("none", 200), ("same-origin", 200),
                                              ("same-site", 403), ("cross-site", 403)])  # fmt: skip
async def test_without_an_origin_the_browsers_word_counts(site, status):
    assert (await answer("POST", content_type=JSON, sec_fetch_site=site)).status_code == status


async def test_a_program_that_says_nothing_is_no_website():
    assert (await answer("POST", content_type=JSON)).text == "done"
