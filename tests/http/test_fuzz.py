"""Whatever a stranger sends, the answer is a page, an answer or a 4xx; an invocation answers with what is expected."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from chalice.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app import app
from chalicelib.adapters.services import Services
from chalicelib.clients.import_worker import run_import
from chalicelib.clients.registry import register_client
from chalicelib.delivery.dead_letters import read_job
from chalicelib.domain.job_bodies import KINDS, from_body, to_body
from chalicelib.domain.jobs import ImportClients
from chalicelib.errors import BadInput
from chalicelib.fields import CLIENT, MAILING, RECEIPT, RESEND
from chalicelib.rules import read_fields
from chalicelib.runtime import InvocationFailed
from tests.cheap_user import put_user

from .conftest import Answer, Call

EXAMPLES = 12
"""For each test. While you look for a fault, try 2,000."""

FUZZ = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
FORM, JSON, BYTES = "application/x-www-form-urlencoded", "application/json", "application/octet-stream"

HEADERS = ["authorization", "idempotency-key", "content-type", "cookie", "accept-language", "host"]
HEADERS += ["x-forwarded-proto", "x-forwarded-prefix", "sec-fetch-site", "sec-fetch-dest"]
LISTS = ["/Clients", "/Mailing", "/Stats", "/Stats/1", "/Audit", "/Clients/import", "/Clients/import/1"]
EXPORTS = ["/Clients/export", "/Stats/1/export", "/Clients/import/1/refused"]
PAGES = ["", "/clients", "/imports", "/imports/1", "/mailings/1", "/tokens", "/audit", "/clients/export"]

numbers = st.one_of(
    st.integers(),
    st.sampled_from([0, 1, 10**15, 2**53, 2**63, 10**18, 253402300799999999, 253402300800000000, 10**20, 10**38]),
)
strings = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", " ", "\x00", "\ufffd", "\u200b", "и\u0306", "9" * 400, "х" * 3000, "1e999", "-0", "𝟙", "²"]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, st.floats(), strings)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4))
lone = st.sampled_from(["\ud800", "a\udfff"])
"""JSON can have half of a surrogate pair; a text in Python that has one cannot be encoded."""

times = st.one_of(
    st.datetimes().map(datetime.isoformat),
    st.sampled_from(
        ["9999-12-31T23:59:58Z", "9999-12-31T23:59:59Z", "9999-12-31", "0001-01-01", "0001-01-01T00:00:01Z"]
    ),
    st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
    strings,
)
zones = st.sampled_from(["UTC", "Pacific/Apia", "Pacific/Kiritimati", "Etc/GMT+12", "America/Sao_Paulo"])


def cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


cursors = st.one_of(
    st.lists(numbers, max_size=3).map(cursor),
    values.map(cursor),
    st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    strings,
)


def is_refused_or_answered(answer: Answer) -> None:
    assert answer.status < 500, answer.text
    if answer.status >= 400:
        assert answer.json, "a refusal says what is expected"


def assert_says_why(body: dict[str, object]) -> None:
    assert body
    json.dumps(body, ensure_ascii=False)


@pytest.fixture
def world(services: Services, call: Call) -> Call:
    """One object of each kind, so that the lists are read and not empty."""
    register_client(services, {"phone_number": "79770000001", "tag": "a", "attributes": {"имя": "Анна"}})
    call("POST", "/Mailing", json={"datetime_start": "2040-01-01", "datetime_end": "2041-01-01", "message_text": "x"})
    call("POST", "/Clients/import", body=b"phone_number;tag\n1;a\n", content_type="text/csv")
    return call


@pytest.fixture
def browser(services: Services, world: Call) -> Iterator[Callable[..., Any]]:
    """Requests of a signed-in person: `browser("GET", "/console/tokens")`."""

    class FakeKey:
        def value(self) -> str:
            return "a key that signs"

    services.session_key = FakeKey()  # type: ignore[misc, assignment]
    put_user(services, "anna", "admin")
    with Client(app) as client:
        sign_in = urlencode({"name": "anna", "password": "secret"}).encode()
        answer = client.http.request("POST", "/console/sign-in", headers={"Content-Type": FORM}, body=sign_in)
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        form = client.http.request("GET", "/console", headers={"Cookie": cookie}).body.decode()
        csrf = form.partition('name="csrf" value="')[2].partition('"')[0]
        assert csrf

        def request(method: str, path: str, body: bytes = b"", **headers: str) -> Any:
            own = {"cookie": cookie, "content-type": FORM, **headers}
            signed = body + b"&" + urlencode({"csrf": csrf}).encode() if own["content-type"] == FORM else body
            return client.http.request(method, path, headers=own, body=signed)

        yield request


@pytest.fixture
def invoke(services: Services) -> Iterator[Any]:
    with Client(app) as client:
        yield lambda name, payload: client.lambda_.invoke(name, payload).payload


@FUZZ
@given(path=st.sampled_from(LISTS + EXPORTS), cursor=cursors, limit=st.one_of(st.none(), numbers.map(str), strings))
@example(path="/Audit", cursor=cursor([10**20, 10**20]), limit=None)
def test_a_list_of_the_api_refuses_what_is_no_cursor(world: Call, path: str, cursor: str, limit: str | None) -> None:
    query = urlencode({"cursor": cursor} | ({} if limit is None else {"limit": limit}))
    is_refused_or_answered(world("GET", f"{path}?{query}"))


@FUZZ
@given(path=st.sampled_from(PAGES), cursor=cursors, limit=st.one_of(st.none(), numbers.map(str), strings))
@example(path="/tokens", cursor=cursor([10**20]), limit=None)
@example(path="/tokens", cursor=cursor([253402300800000000]), limit=None)
@example(path="/tokens", cursor=cursor([0]), limit="0")
def test_a_list_of_the_console_refuses_what_is_no_cursor(
    browser: Callable[..., Any], path: str, cursor: str, limit: str | None
) -> None:
    query = urlencode({"cursor": cursor} | ({} if limit is None else {"limit": limit}))
    assert browser("GET", f"/console{path}?{query}").status_code < 500


@FUZZ
@given(
    sent=st.fixed_dictionaries(
        {"datetime_start": times, "datetime_end": times, "message_text": st.just("{имя}")},
        optional={
            "time_from": st.sampled_from(["09:00", "00:00", "23:59", ""]),
            "time_to": st.sampled_from(["18:00", "23:59", "00:00"]),
            "rate_limit": st.sampled_from([None, 1, 100000]),
        },
    ),
    zone=zones,
)
@example(
    sent={"datetime_start": "9999-12-31T23:59:58Z", "datetime_end": "9999-12-31T23:59:59Z", "message_text": "x"},
    zone="UTC",
)
@example(
    sent={
        "datetime_start": "9999-12-31T23:59:58Z",
        "datetime_end": "9999-12-31T23:59:59Z",
        "message_text": "x",
        "time_from": "09:00",
        "time_to": "18:00",
        "rate_limit": 1,
    },
    zone="Pacific/Kiritimati",
)
def test_any_dates_can_be_previewed_announced_and_read(
    world: Call, services: Services, sent: dict[str, Any], zone: str
) -> None:
    world("PATCH", "/Clients/1", json={"timezone": zone})
    is_refused_or_answered(world("POST", "/Mailing/preview", json=sent))
    made = world("POST", "/Mailing", json=sent)
    is_refused_or_answered(made)
    if made.status == 201:
        is_refused_or_answered(world("GET", f"/Stats/{made.json['id']}"))
        is_refused_or_answered(world("PATCH", f"/Mailing/{made.json['id']}", json={"message_text": "y"}))
        is_refused_or_answered(world("DELETE", f"/Mailing/{made.json['id']}"))


@FUZZ
@given(
    path=st.sampled_from(["/Clients", "/Mailing", "/Mailing/preview"]),
    sent=st.dictionaries(st.sampled_from([*CLIENT, *MAILING]), values | lone, max_size=6) | values,
)
def test_any_json_is_answered(world: Call, path: str, sent: Any) -> None:
    is_refused_or_answered(world("POST", path, body=json.dumps(sent).encode(), content_type=JSON))


@FUZZ
@given(
    raw=st.binary(max_size=60)
    | st.dictionaries(st.sampled_from([*CLIENT]), strings).map(lambda f: urlencode(f).encode()),
    content_type=st.sampled_from([FORM, JSON, f"{FORM}; charset=utf-8"]) | st.text("abc/;= ", max_size=9),
    method=st.sampled_from(["POST", "PUT", "PATCH"]),
)
def test_any_body_is_answered(world: Call, raw: bytes, content_type: str, method: str) -> None:
    path = "/Clients" if method == "POST" else "/Clients/1"
    is_refused_or_answered(world(method, path, body=raw, content_type=content_type))


@FUZZ
@given(
    known=st.sampled_from([CLIENT, MAILING, RECEIPT, RESEND]),
    value=values | lone | times | numbers.map(str),
    data=st.data(),
)
def test_a_rule_reads_a_value_or_refuses_it(known: Any, value: Any, data: Any) -> None:
    name = data.draw(st.sampled_from([*known]))
    try:
        read_fields({name: value}, known, set(), partial=True)
    except BadInput as refusal:
        assert_says_why(refusal.body)


@FUZZ
@given(name=st.sampled_from(HEADERS), value=st.text(st.characters(max_codepoint=255), max_size=80))
@example(name="authorization", value="Token é")
@example(name="cookie", value="session=é; a[]=1")
@example(name="host", value="[")
def test_any_header_is_answered(browser: Callable[..., Any], token: str, name: str, value: str) -> None:
    headers = {"authorization": f"Token {token}", name: value}
    for method, path in (("POST", "/Clients"), ("GET", "/Clients"), ("GET", "/console"), ("GET", "/console/sign-in")):
        answer = browser(method, path, b"tag=a" if method == "POST" else b"", **headers)
        assert answer.status_code < 500


@FUZZ
@given(
    path=st.sampled_from(
        [
            "/mailings/new",
            "/drafts/1",
            "/drafts/1/launch",
            "/drafts/1/test",
            "/preview",
            "/clients/new",
            "/clients/1",
            "/tokens",
            "/mailings/1/resend",
        ]
    ),
    form=st.dictionaries(
        st.sampled_from(
            [
                *CLIENT,
                *MAILING,
                "step",
                "mailing",
                "page",
                "version",
                "live",
                "repeat_kind",
                "where_0_field",
                "name",
                "role",
                "test_phone",
                "statuses",
                "idempotency_key",
            ]
        ),
        strings | times,
    ),
)
def test_any_form_of_the_console_is_answered(browser: Callable[..., Any], path: str, form: dict[str, str]) -> None:
    body = urlencode(form, errors="replace").encode()
    status = browser("POST", f"/console{path}", body).status_code
    assert status < 500
    assert status != 403, "otherwise the form was refused before it was read"
    assert browser("GET", "/console").status_code == 200


parts = st.sampled_from(
    [
        b"--B",
        b"--",
        b"\r\n",
        b'Content-Disposition: form-data; name="csrf"',
        b'Content-Disposition: form-data; name="file"; filename="a.csv"',
        b"Content-Type: text/plain; charset=zlib",
        b"\r\n\r\nphone_number\n79770000001\r\n",
        b"\xff",
    ]
)


@FUZZ
@given(st.one_of(st.binary(max_size=60), st.lists(parts, max_size=12).map(b"".join)))
@example(
    b'--B\r\nContent-Disposition: form-data; name="csrf"\r\nContent-Type: text/plain; charset=zlib\r\n\r\nx\r\n--B--'
)
def test_any_form_with_a_file_is_answered(browser: Callable[..., Any], body: bytes) -> None:
    kind = {"content-type": "multipart/form-data; boundary=B"}
    assert 400 <= browser("POST", "/console/imports", body, **kind).status_code < 500


cells = st.one_of(strings, st.sampled_from(["79770000002", "7977000000²", '"', "Europe/Moscow", "a,b"]))
rows = st.lists(st.lists(cells, max_size=4).map(";".join), max_size=5).map("\n".join)
files = st.one_of(
    st.binary(max_size=80),
    rows.map(lambda text: f"phone_number;tag;attributes.имя\n{text}".encode("utf-8", "replace")),
    rows.map(lambda text: f"phone_number,tag\r\n{text}".encode("cp1251", "replace")),
)


@FUZZ
@given(content=files, file_name=strings)
def test_any_file_is_refused_or_imported(world: Call, services: Services, content: bytes, file_name: str) -> None:
    path = f"/Clients/import?file_name={quote(file_name.encode('utf-8', 'replace'))}"
    answer = world("POST", path, body=content, content_type=BYTES)
    is_refused_or_answered(answer)
    for message in services.imports_queue.receive():
        job = read_job(services, message.body, ImportClients)
        assert job is not None
        assert run_import(services, job, lambda: 60.0) is None
        services.imports_queue.delete([message.receipt_handle])
    if answer.status == 202:
        is_refused_or_answered(world("GET", f"/Clients/import/{answer.json['id']}"))


LAMBDAS = {
    "start_mailing": ["mailing", "opens_at"],
    "manage_tokens": ["make", "role", "revoke", "by"],
    "manage_users": ["make", "role", "remove", "by"],
    "start_import": ["key", "file_name", "import", "refused", "by"],
    "send_report": ["date", "scheduled"],
    "sweep": ["source"],
    "copy_audit": ["source"],
    "redrive_dead_letters": [],
}
events = st.sampled_from([*LAMBDAS]).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.dictionaries(st.sampled_from([*LAMBDAS[name], "other"]), values | lone | times, max_size=3) | values,
    )
)


@FUZZ
@given(event=events)
@example(event=("start_import", {"import": True}))
@example(event=("start_import", {"import": True, "refused": True}))
@example(event=("start_import", {"import": 10**40}))
@example(event=("start_import", {"import": -(10**40)}))
@example(event=("start_import", {"key": "\ud800"}))
@example(event=("start_import", {"key": "x" * 2000}))
@example(event=("start_import", {"key": "a.csv", "file_name": ["x"]}))
@example(event=("start_mailing", {"mailing": True}))
@example(event=("start_mailing", {"mailing": 10**40}))
@example(event=("start_mailing", {"mailing": 10**40, "opens_at": 1}))
@example(event=("start_mailing", {"mailing": 1, "opens_at": True}))
@example(event=("manage_users", {"remove": ""}))
@example(event=("manage_users", {"remove": "\ud800"}))
@example(event=("manage_users", {"remove": "x" * 3000}))
@example(event=("manage_users", {"make": "anna", "role": ["read"]}))
@example(event=("manage_tokens", {"make": "\ud800"}))
@example(event=("manage_tokens", {"make": "anna", "role": {}}))
@example(event=("manage_tokens", {"revoke": ""}))
@example(event=("send_report", {"scheduled": "9999-12-31T23:59:59Z"}))
@example(event=("send_report", {"scheduled": "0001-01-01T00:00:00+14:00"}))
@example(event=("send_report", {"date": "\ud800"}))
def test_any_invocation_is_answered(invoke: Any, event: tuple[str, Any]) -> None:
    name, payload = event
    answer = invoke(name, payload)
    assert isinstance(answer, dict)
    assert answer or name == "sweep"


@pytest.mark.parametrize("name", ["send_messages", "run_jobs", "import_clients", "settle_receipts"])
@pytest.mark.parametrize("payload", [{}, [], None, {"Records": [{}]}, {"Records": 7}])
def test_a_function_of_a_queue_says_what_it_expects(invoke: Any, name: str, payload: Any) -> None:
    with pytest.raises(InvocationFailed, match="A batch of SQS is expected"):
        invoke(name, payload)


@FUZZ
@given(body=values.map(json.dumps) | st.text(), kind=st.sampled_from([*KINDS]), data=st.data())
@example(body='{"job": "start_mailing", "mailing_id": 1e400}', kind="start_mailing", data=None)
def test_a_queue_message_is_a_job_or_a_dead_letter(body: str, kind: str, data: Any) -> None:
    names = [field.name for field in fields(KINDS[kind])]
    near = data.draw(st.dictionaries(st.sampled_from(names), values)) if data else {}
    for one in (body, json.dumps({"job": kind, **near})):
        job = from_body(one)
        assert job is None or from_body(to_body(job)) == job
