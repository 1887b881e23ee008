"""A web page on another port of this machine gets nothing from the local servers, and changes nothing on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.webdriver import WebDriver

from infra.local.seed import LOCAL_TOKEN
from infra.local.simulator import Simulator
from infra.local.stack import DevStack
from tools.browser import HOW_TO_HAVE_IT, find_browser, open_browser

from .conftest import Call

REBOUND = "rebound.example"
"""A host name whose owner points it to this machine."""

FETCH = """
const [address, options, done] = arguments;
fetch(address, options).then(async answer => done(await answer.text()), () => done(null));
"""
SIMPLE = {"method": "POST", "mode": "no-cors", "headers": {"Content-Type": "text/plain"}}
TOKEN = {"Authorization": f"Token {LOCAL_TOKEN}"}


class ForeignPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A foreign page</title><a id=link>Open</a>")

    def log_message(self, *_: Any) -> None:
        """Writes nothing."""


@pytest.fixture(scope="module")
def driver() -> Iterator[WebDriver]:
    if find_browser() is None:
        pytest.skip(HOW_TO_HAVE_IT)
    driver = open_browser(arguments=(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1",))
    yield driver
    driver.quit()


@pytest.fixture
def foreign_page(driver: WebDriver) -> Iterator[WebDriver]:
    """The browser with the page open, which another server on this machine serves."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), ForeignPage)
    Thread(target=server.serve_forever, daemon=True).start()
    driver.get(f"http://127.0.0.1:{server.server_port}/")
    yield driver
    server.shutdown()
    server.server_close()


def fetch(page: WebDriver, address: str, **options: Any) -> str | None:
    """What a script of the page reads; None if the browser lets it read nothing."""
    text: str | None = page.execute_async_script(FETCH, address, options)
    return text or None


def presigned(stack: DevStack, method: str, path: str, body: str = "") -> str:
    """An address of Lambda's API that needs no header, signed with the published keys of the local stack."""
    request = AWSRequest(method, stack.aws_url + path, data=body)
    SigV4QueryAuth(boto3.Session().get_credentials(), "lambda", "us-east-1").add_auth(request)
    return str(request.prepare().url)


def names_of_tokens() -> set[str]:
    return {item["name"] for item in boto3.resource("dynamodb").Table("notifications-local-tokens").scan()["Items"]}


def shown(driver: WebDriver) -> str:
    return str(driver.execute_script("return document.body.innerText"))


def test_a_foreign_page_reads_nothing_of_ministack_and_changes_nothing_there(
    foreign_page: WebDriver, stack: DevStack, call: Call
) -> None:
    client = call("POST", "/Clients/", data={"phone_number": "79880009001"}).json()
    functions = presigned(stack, "GET", "/2015-03-31/functions/")
    listed = requests.get(functions, timeout=30).json()["Functions"]
    assert listed, "a program has the same address answered"
    assert fetch(foreign_page, functions) is None
    assert fetch(foreign_page, f"{stack.aws_url}/_ministack/ses/messages") is None
    order = json.dumps({"make": "intruder", "role": "admin"})
    manager = next(one["FunctionName"] for one in listed if "ManageTokens" in one["FunctionName"])
    invocation = presigned(stack, "POST", f"/2015-03-31/functions/{manager}/invocations", order)
    fetch(foreign_page, invocation, **SIMPLE, body=order)
    assert "intruder" not in names_of_tokens()
    fetch(foreign_page, f"{stack.aws_url}/_ministack/reset", **SIMPLE)
    assert call("GET", f"/Clients/{client['id']}/").json() == client


def test_a_foreign_page_reads_nothing_of_the_api_and_changes_nothing_there(
    foreign_page: WebDriver, stack: DevStack, call: Call
) -> None:
    phone = "79880009002"
    assert fetch(foreign_page, f"{stack.url}/openapi.json") is None
    assert fetch(foreign_page, f"{stack.url}/Clients/", headers=TOKEN) is None
    fields = {"Content-Type": "application/x-www-form-urlencoded"}
    fetch(foreign_page, f"{stack.url}/Clients/", method="POST", headers=TOKEN | fields, body=f"phone_number={phone}")
    assert call("GET", "/Clients/", params={"phone_number": phone}).json()["results"] == []


def test_a_foreign_page_reads_nothing_of_the_simulator_and_changes_nothing_there(
    foreign_page: WebDriver, simulator: Simulator
) -> None:
    before = simulator.behaviour
    assert fetch(foreign_page, f"{simulator.url}/seen/messages") is None
    fetch(foreign_page, f"{simulator.url}/control", method="PUT", body='{"outage": true}')
    fetch(foreign_page, f"{simulator.url}/v1/send/1", **SIMPLE, body="{}")
    assert simulator.behaviour == before
    assert simulator.seen.requests == 0


def test_a_foreign_name_of_this_machine_is_refused_with_the_addresses_to_use(
    driver: WebDriver, stack: DevStack, simulator: Simulator
) -> None:
    for url, path in (stack.aws_url, "/_ministack/health"), (stack.url, "/openapi.json"), (simulator.url, "/seen"):
        port = urlsplit(url).port
        driver.get(f"http://{REBOUND}:{port}{path}")
        text = json.loads(shown(driver))["detail"]
        assert f"http://127.0.0.1:{port}" in text
        with_foreign_host = requests.get(url + path, headers={"Host": f"{REBOUND}:{port}"}, timeout=30)
        assert (with_foreign_host.status_code, with_foreign_host.json()["detail"]) == (403, text)


def test_preflights_and_websockets_of_a_foreign_page_are_refused(stack: DevStack, simulator: Simulator) -> None:
    origin = {"Origin": "http://127.0.0.1:1"}
    preflight = origin | {"Access-Control-Request-Method": "PUT"}
    handshake = origin | {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    handshake["Sec-WebSocket-Key"] = "bm90IGEgc2VjcmV0IGtleQ=="
    for url in (stack.aws_url, stack.url, simulator.url):
        answers = [
            requests.options(url, headers=preflight, timeout=30),
            requests.get(url, headers=handshake, timeout=30),
        ]
        for answer in answers:
            assert (answer.status_code, list(answer.json())) == (403, ["detail"])
            assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_browser_cannot_use_the_address_for_which_it_does_not_name_the_page(
    foreign_page: WebDriver, stack: DevStack, call: Call
) -> None:
    """Chromium sends no Sec-Fetch-Site to 0.0.0.0, or blocks the request."""
    client = call("POST", "/Clients/", data={"phone_number": "79880009003"}).json()
    everywhere = stack.url.replace("127.0.0.1", "0.0.0.0")
    assert requests.get(f"{everywhere}/openapi.json", timeout=30).status_code == 200
    try:
        foreign_page.get(f"{everywhere}/openapi.json")
    except WebDriverException:
        return
    assert f"http://127.0.0.1:{stack.settings.port}" in shown(foreign_page)
    assert call("GET", f"/Clients/{client['id']}/").status_code == 200


def test_a_link_of_a_foreign_page_is_refused_and_the_entered_address_is_not(
    foreign_page: WebDriver, stack: DevStack
) -> None:
    link = "const link = document.getElementById('link'); link.href = arguments[0]; link.click()"
    foreign_page.execute_script(link, f"{stack.url}/console/sign-in")
    assert f"enter http://127.0.0.1:{stack.settings.port}" in shown(foreign_page)
    foreign_page.get(f"{stack.url}/console/sign-in")
    assert "Sign in" in shown(foreign_page)
