"""The published commands, unchanged: other people have them in their scripts."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import pytest
import requests

from infra.local.stack import DevStack

from .conftest import Call

COMMANDS = """
curl -X POST   http://0.0.0.0:8000/Clients/       -H 'Authorization: Token f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda' -d phone_number=79774053329
curl -X PATCH  http://0.0.0.0:8000/Clients/{client}/  -H 'Authorization: Token f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda' -d phone_number=79774053328
curl -X DELETE http://0.0.0.0:8000/Clients/{client}/  -H 'Authorization: Token f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda'
curl -X POST   http://0.0.0.0:8000/Mailing/       -H 'Authorization: Token f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda' -d datetime_end=2022-08-20T21:42:16 -d datetime_start=2022-08-22T22:42:16 -d message_text=123123123
curl -X PATCH  http://0.0.0.0:8000/Mailing/{mailing}/  -H 'Authorization: Token f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda' -d datetime_end=2022-08-22T22:42:16
curl -X GET    http://0.0.0.0:8000/Stats/         -H 'Authorization: Token f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda'
curl -X GET    http://0.0.0.0:8000/Stats/{mailing}/    -H 'Authorization: Token f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda'
curl -X DELETE http://0.0.0.0:8000/Mailing/{mailing}/  -H 'Authorization: Token f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda'
""".strip().splitlines()  # noqa: E501
EXPECTED = [201, 200, 204, 201, 200, 200, 200, 204]


def test_the_published_commands_work_unchanged(stack: DevStack) -> None:
    ids = {"client": 0, "mailing": 0}
    for command, expected in zip(COMMANDS, EXPECTED, strict=True):
        line = command.replace(":8000", f":{stack.settings.port}").format(**ids)
        done = subprocess.run(
            [*shlex.split(line), "-s", "-w", "\n%{http_code}"], capture_output=True, text=True, check=True
        )
        body, _, status = done.stdout.rpartition("\n")
        assert int(status) == expected, (line, body)
        if expected == 201:
            ids["client" if "/Clients/" in line else "mailing"] = json.loads(body)["id"]
        if expected == 204:
            assert body == ""


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda", 401),
        ("Bearer f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda", 401),
        ("Token F3A527CD037B3A1E4D41F9E1AFD7DB26B6BA9CDA", 401),
        ("Token " + "0" * 40, 401),
    ],
)
def test_a_request_without_a_valid_token_is_a_401_with_a_detail(
    call: Call, authorization: str | None, status: int
) -> None:
    answer = call("GET", "/Clients/", headers={"Authorization": authorization})
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"]
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert answer.headers["X-Request-Id"], "API Gateway gives its own answers the id too"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Strict-Transport-Security" not in answer.headers, "the local stack serves HTTP"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Nothing/", 404),
        ("GET", "/Clients/1/more/", 404),
        ("GET", "/Clients/999999/", 404),
        ("GET", "/Clients/abc/", 404),
        ("GET", f"/Mailing/{'9' * 40}/", 404),
        ("PUT", "/Clients/", 405),
        ("POST", "/Stats/", 405),
        ("OPTIONS", "/Mailing/1/", 405),
    ],
)
def test_unknown_addresses_and_methods_are_answered_in_the_contracts_format(
    call: Call, method: str, path: str, status: int
) -> None:
    answer = call(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"]
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "text/xml"}, b"<a/>", 415),
        ({"Content-Type": "image/png"}, b"\x89PNG\xff", 415),
        ({"Content-Type": "application/json"}, b'{"phone_number": ', 400),
        ({"Content-Type": "application/json"}, b'{"phone_number": "79770000001", "tag": "\xff"}', 400),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"phone_number=79770000001&tag=%FF", 400),
        ({"Content-Type": "application/json"}, b'{"tag": "' + b"x" * 300_000 + b'"}', 413),
    ],
)
def test_unreadable_bodies_are_refused_and_write_nothing(
    call: Call, headers: dict[str, str], body: bytes, status: int
) -> None:
    before = call("GET", "/Clients/").json()
    answer = call("POST", "/Clients/", headers=headers, data=body)
    assert answer.status_code == status, answer.text
    assert call("GET", "/Clients/").json() == before


def test_an_address_works_with_and_without_its_final_slash(call: Call) -> None:
    client = call("POST", "/Clients", json={"phone_number": 79770000010, "tag": "тег"}).json()
    assert call("GET", f"/Clients/{client['id']}").json() == call("GET", f"/Clients/{client['id']}/").json() == client
    assert "тег".encode() in call("GET", f"/Clients/{client['id']}").content
    call("DELETE", f"/Clients/{client['id']}")


def test_the_address_of_the_next_page_works(call: Call) -> None:
    ids = [call("POST", "/Clients/", data={"phone_number": f"7977000010{n}"}).json()["id"] for n in range(3)]
    first = call("GET", "/Clients/?limit=2&operator_code=977").json()
    assert len(first["results"]) == 2
    assert re.match(r"http://127\.0\.0\.1:\d+/Clients/\?", first["next"])
    path = "/" + first["next"].split("/", 3)[3]
    rest = call("GET", path).json()
    assert rest["next"] is None
    assert [client["id"] for client in first["results"] + rest["results"]][-3:] == ids
    for client_id in ids:
        call("DELETE", f"/Clients/{client_id}/")


def test_large_answers_are_compressed_for_callers_that_accept_it(stack: DevStack) -> None:
    """On AWS by API Gateway, here by the front."""
    path = re.findall(r'"[^"]*(/docs/swagger-ui-bundle[^"]+)"', requests.get(f"{stack.url}/docs/", timeout=30).text)[0]

    def size(encoding: str) -> tuple[str | None, int, str]:
        answer = requests.get(stack.url + path, headers={"Accept-Encoding": encoding}, timeout=30)
        assert answer.headers["Vary"] == "Accept-Encoding"
        return answer.headers.get("Content-Encoding"), int(answer.headers["Content-Length"]), answer.text

    plain, compressed = size("identity"), size("gzip, deflate, br")
    assert (plain[0], compressed[0]) == (None, "gzip")
    assert compressed[1] < plain[1] / 3
    assert plain[2] == compressed[2]
