"""The declarative adapter: what the table of its example cannot say."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.outcome import Kind
from chalicelib.errors import BadSettings
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.http import Http
from chalicelib.gateways.http_gateway import HttpGateway
from chalicelib.gateways.port import Options
from infra.local.providers.case import PLAIN, SMS, Case, Expected
from infra.local.providers.http import ACME, BY_FORM, BY_QUERY, NADIR, TABLE, ZENITH
from tests.depth import depth

from .contract_gateway import NOW, KnownToken
from .raw_server import serving

TABLES = {"form": BY_FORM, "query": BY_QUERY}
SENT = {"status": 200, "kind": "accepted"}
LEAST: dict[str, Any] = {"fields": {"to": "{phone}", "text": "{text}"}, "answers": [SENT]}


def made(**changes: Any) -> Http:
    return Http(Options("https://a.example", {**LEAST, **changes}))


def kind_of(rule: dict[str, Any], status: int, body: str = "") -> Kind:
    return made(answers=[rule, SENT]).outcome(Answer(status, body), NOW).kind


@pytest.mark.parametrize(("name", "expected"), [(name, one) for name in TABLES for one in TABLES[name].posts])
def test_a_message_is_posted_as_the_options_declare_it(name: str, expected: Expected) -> None:
    request = Http(TABLES[name].options).request(expected.sms, TABLES[name].secret)
    assert (request.url, request.body.decode()) == (expected.url, expected.body)
    assert {header: request.headers.get(header) for header in expected.headers} == expected.headers
    assert request.method == ("GET" if name == "query" else "POST")


@pytest.mark.parametrize(("name", "case"), [(name, one) for name in TABLES for one in TABLES[name].answers])
def test_an_answer_means_what_the_options_declare(name: str, case: Case) -> None:
    outcome = Http(TABLES[name].options).outcome(Answer(case.status, case.body, case.header), NOW)
    assert (outcome.kind, outcome.retry_after) == (case.kind, case.retry_after)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(TEXTS, TEXTS)
@settings(max_examples=depth(full=300, quick=60))
def test_no_text_changes_the_post_around_it(text: str, sender: str) -> None:
    sms = replace(SMS, text=text, sender=sender)
    (message,) = json.loads(Http(TABLE.options).request(sms, "key").body)["messages"]
    assert (message["text"], message["from"]) == (text, sender)
    form = Http(BY_FORM.options).request(sms, BY_FORM.secret).body.decode("ascii")
    assert [field.split("=")[0] for field in form.split("&")] == ["login", "psw", "dst", "msg", "src"]
    query = Http(BY_QUERY.options).request(sms, BY_QUERY.secret).url.partition("?")[2]
    assert [field.split("=")[0] for field in query.split("&")] == ["to", "text", "ref", "ttl"]


def test_a_query_follows_one_of_the_address() -> None:
    options = Options("https://a.example/api?method=push", {**LEAST, "body": "query"})
    assert Http(options).request(PLAIN, "key").url == "https://a.example/api?method=push&to=79774053329&text=Sale"


def test_a_text_with_a_placeholder_is_not_filled() -> None:
    assert (
        made().request(replace(PLAIN, text="{key} {phone}"), "secret").body
        == b"to=79774053329&text=%7Bkey%7D+%7Bphone%7D"
    )


def test_a_value_in_the_path_stays_in_its_step() -> None:
    post = made(path="/{key}/{text}").request(replace(PLAIN, text="a/../b?c#d"), "x/y")
    assert post.url == "https://a.example/x%2Fy/a%2F..%2Fb%3Fc%23d"


@pytest.mark.parametrize("secret", ["a\nX-Other: 1", "ключ"])
def test_a_secret_that_a_header_cannot_have_is_refused_without_showing_it(secret: str) -> None:
    adapter = made(headers={"X-Key": "{key}"})
    with pytest.raises(BadSettings, match="GATEWAY_TOKEN: ASCII without line breaks is expected by the header X-Key"):
        adapter.request(PLAIN, secret)


@pytest.mark.parametrize("secret", ["anna", "anna:", ":secret"])
def test_a_secret_without_a_user_or_a_password_is_refused_if_one_is_declared(secret: str) -> None:
    """Its field would be left out; a path with it would be."""
    with pytest.raises(BadSettings, match="GATEWAY_TOKEN: USER:PASSWORD is expected"):
        Http(BY_FORM.options).request(PLAIN, secret)
    assert made().request(PLAIN, "anna").body


@pytest.mark.parametrize(
    ("rule", "status", "body", "fits"),
    [
        ({"status": 418}, 418, "", True),
        ({"status": "418"}, 418, "", True),
        ({"status": [400, "5xx"]}, 599, "", True),
        ({"status": "400-417"}, 417, "", True),
        ({"status": "400-417"}, 418, "", False),
        ({"path": "a.1.b", "equals": 7}, 200, '{"a": [0, {"b": "7"}]}', True),
        ({"path": "a.2.b", "equals": 7}, 200, '{"a": [0, {"b": "7"}]}', False),
        ({"path": "a.b", "equals": 7}, 200, '{"a": 7}', False),
        ({"path": "0.a", "equals": True}, 200, '[{"a": true}]', True),
        ({"path": "a", "equals": 1}, 200, '{"a": true}', False),
        ({"path": "a", "equals": None}, 200, '{"a": null}', True),
        ({"path": "a", "in": ["x", 2]}, 200, '{"a": 2}', True),
        ({"path": "a"}, 200, '{"a": 0.5}', True),
        ({"path": "a"}, 200, '{"a": false}', False),
        ({"path": "a"}, 200, "not JSON", False),
        ({"path": "a", "status": 201}, 200, '{"a": 1}', False),
        ({"matches": "no (money|credit)"}, 200, "sorry, no credit", True),
        ({"matches": "^x$"}, 200, "xx", False),
        ({"matches": "x"}, 200, "a" * 2000 + "x", False),
        ({"path": "a", "matches": "b"}, 200, '{"a": "c"}', False),
    ],
)
def test_a_rule_fits_if_all_of_it_fits(rule: dict[str, Any], status: int, body: str, fits: bool) -> None:
    assert (kind_of({**rule, "kind": "balance"}, status, body) is Kind.BALANCE) == fits


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"path": "code", "equals": "no_money"}, "no_money"),
        ({"path": "phone"}, "(not shown)"),
        ({"status": 200}, "200"),
        ({"matches": "7977"}, "200"),
    ],
)
def test_a_reason_shows_the_code_that_a_rule_names_and_nothing_else(rule: dict[str, Any], code: str) -> None:
    answer = Answer(200, '{"code": "no_money", "phone": "79774053329"}')
    reason = made(answers=[{**rule, "kind": "permanent"}, SENT]).outcome(answer, NOW).reason
    assert str(reason) == f"The gateway refused the message (200, code {code})."


def test_no_rule_makes_a_success_of_another_status_than_2xx() -> None:
    assert kind_of({"matches": "OK", "kind": "accepted"}, 500, "OK") is Kind.AMBIGUOUS
    assert kind_of({"matches": "OK", "kind": "duplicate"}, 500, "OK") is Kind.AMBIGUOUS


WRONG_RULES = [
    ({"kind": "sent"}, "[0].kind: one of accepted, duplicate, permanent, opted_out"),
    ({}, "[0]: an object is expected"),
    ({"kind": "balance", "code": 3}, "[0].code: one of status, path, equals, in, matches, kind, wait is expected"),
    ({"kind": "balance", "status": "4x"}, "[0].status: 200, 2xx, 500-599 or a list of these is expected"),
    ({"kind": "balance", "status": "500-400"}, "[0].status: "),
    ({"kind": "accepted", "status": "200-300"}, "[0].status: only 2xx can be accepted"),
    ({"kind": "balance", "path": 7}, "[0].path: a path such as messages.0.status is expected"),
    ({"kind": "balance", "equals": 7}, "[0].path: a path is expected by equals and in"),
    ({"kind": "balance", "path": "a", "in": 7}, "[0]: a value of equals, or a list of values of in, is expected"),
    ({"kind": "balance", "path": "a", "in": [7], "equals": 7}, "[0]: a value of equals"),
    ({"kind": "balance", "path": "a", "equals": {}}, "[0]: a value of equals"),
    ({"kind": "balance", "matches": "("}, "[0].matches: a regular expression of at most 200 characters is expected"),
    ({"kind": "balance", "matches": "a" * 201}, "[0].matches: "),
    ({"kind": "balance", "wait": 5}, "[0].wait: seconds are expected, with the kind throttled or temporary only"),
    ({"kind": "throttled", "wait": "5"}, "[0].wait: "),
    ({"kind": "throttled", "wait": True}, "[0].wait: "),
]


@pytest.mark.parametrize(("rule", "problem"), WRONG_RULES)
def test_a_mistake_in_a_rule_is_named_by_its_place(rule: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadSettings) as refused:
        made(answers=[rule])
    assert str(refused.value).startswith(f"GATEWAY_OPTIONS: answers{problem}")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"body": "xml"}, "body: one of form, json, query is expected"),
        ({"method": "PUT"}, "method: one of POST, GET is expected"),
        ({"method": "GET"}, "body: query is expected by the method GET"),
        ({"path": "send"}, "path: a path such as /send/{id} is expected"),
        ({"path": "/{sender}"}, "path: {sender}: one of "),
        ({"headers": {"X": 1}}, "headers: an object whose values are texts is expected"),
        ({"headers": {"X:": "1"}}, "headers: names of letters, digits and hyphens are expected"),
        ({"headers": {"X": "{text}"}}, "headers.X: {text}: one of basic, id, key, "),
        ({"fields": []}, "fields: an object whose values are texts is expected"),
        ({"fields": {"to": "{phone}"}}, "fields: {text} is expected in one of them"),
        ({"fields": {"text": "{text}"}}, "fields: {phone} is expected in one of them"),
        ({"fields": {"to": "{Phone}"}}, "fields.to: {Phone}: one of "),
        ({"fields": {"to": "{phone}", "text": "{text }"}}, "fields: {text} is expected in one of them"),
        ({"fields": {"to": "{phone}", "text": "{text1}"}}, "fields: {text} is expected in one of them"),
        ({"fields": {"to": "{phone-plus}", "text": "{text}"}}, "fields: {phone} is expected in one of them"),
        ({"headers": {"X-Shop": "Магазин"}}, "headers.X-Shop: ASCII without line breaks is expected"),
        ({"headers": {"X-Shop": "a\nb"}}, "headers.X-Shop: ASCII without line breaks is expected"),
        ({"fields": {"to": "{phone:int}"}}, "fields.to: {phone:int} is expected alone, in JSON, for one of id, "),
        ({"body": "json", "fields": {"m": [{"t": "{text:int}"}]}}, "fields.m[0].t: {text:int} is expected alone"),
        ({"body": "json", "fields": {"m": ["+{phone:int}"]}}, "fields.m[0]: {phone:int} is expected alone"),
        ({"body": "json", "fields": "{text}"}, "fields: an object is expected"),
        ({"answers": {}}, "answers: a list of rules is expected"),
        ({"answers": [{"kind": "permanent"}]}, "answers: a rule with the kind accepted is expected"),
    ],
)
def test_a_mistake_in_the_post_is_named_by_its_place(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadSettings) as refused:
        made(**changes)
    assert str(refused.value).startswith(f"GATEWAY_OPTIONS: {problem}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["{phone}", "2xx", "accepted"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["body", "method", "path", "headers", "fields", "answers"])
RULES = st.lists(
    st.dictionaries(st.sampled_from(["status", "path", "equals", "in", "matches", "kind", "wait"]), JSON, max_size=4),
    max_size=2,
)


@given(st.dictionaries(NAMES, JSON | RULES, max_size=3), st.sampled_from([LEAST, ACME, ZENITH, NADIR]))
@settings(max_examples=depth(full=400, quick=80))
def test_any_options_make_an_adapter_or_are_refused_by_name(changes: dict[str, Any], base: dict[str, Any]) -> None:
    problem = ""
    try:
        adapter = Http(Options("https://a.example", {**base, **changes}))
        assert adapter.request(SMS, "anna:secret").url.startswith("https://a.example")
        assert adapter.outcome(Answer(200, "{}"), NOW).kind in Kind
    except BadSettings as bad:
        problem = str(bad)
    assert problem.startswith("GATEWAY_OPTIONS: ") or not problem


def test_a_get_is_sent_as_one() -> None:
    def answer(connection: socket.socket) -> None:
        received.append(connection.recv(65536))
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"result": 0}')

    received: list[bytes] = []
    with serving(answer, reads_first=False) as server:
        adapter = Http(replace(BY_QUERY.options, url=server.url))
        gateway = HttpGateway(adapter, KnownToken("anna:secret"), lambda: NOW, connections=1)
        assert gateway.post(SMS, 5).kind is Kind.ACCEPTED
        gateway.close()
    head, _, body = received[0].partition(b"\r\n\r\n")
    assert head.startswith(
        b"GET /sms?to=79774053329&text=%D0%94%D0%B0+%26+%D0%BD%D0%B5%D1%82&ref=120000000345&ttl=3600 HTTP/1.1"
    )
    assert body == b""
