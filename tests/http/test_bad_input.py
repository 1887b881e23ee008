"""Bad input is answered with a 4xx that names what is expected, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Call

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
CLIENT = {"phone_number": "79774053329"}
MAILING = {
    "datetime_start": "2040-08-20T21:42:16",
    "datetime_end": "2040-08-22T22:42:16",
    "message_text": "text",
}

BAD_FIELDS = [
    ("/Clients", {"phone_number": "7977405332a"}, "79XXXXXXXXX"),
    ("/Clients", {"phone_number": "7977405332"}, "79XXXXXXXXX"),
    ("/Clients", {"phone_number": "797740533299"}, "79XXXXXXXXX"),
    ("/Clients", {"phone_number": "78774053329"}, "79XXXXXXXXX"),
    ("/Clients", {"phone_number": "+89774053329"}, "79XXXXXXXXX"),
    ("/Clients", {"phone_number": "8 (495) 123-45-67"}, "79XXXXXXXXX"),
    ("/Clients", {"phone_number": "7.977E+10"}, "has rounded this number"),
    ("/Clients", {"phone_number": "7٩774053329"}, "79XXXXXXXXX"),
    ("/Clients", {"phone_number": ""}, "may not be blank"),
    ("/Clients", {"phone_number": None}, "may not be null"),
    ("/Clients", {"phone_number": 79774053329.0}, "valid string"),
    ("/Clients", {"phone_number": True}, "valid string"),
    ("/Clients", {"phone_number": ["79774053329"]}, "valid string"),
    ("/Clients", {"phone_number": 10**40}, "79XXXXXXXXX"),
    ("/Clients", {"tag": "a,b"}, "comma"),
    ("/Clients", {"tag": "x" * 256}, "255"),
    ("/Clients", {"tag": {"a": 1}}, "valid string"),
    ("/Clients", {"tag": "a\x00b"}, "Null characters"),
    ("/Clients", {"tag": "\ud800"}, "UTF-8"),
    ("/Clients", {"tag": "\ufffd"}, "UTF-8"),
    ("/Clients", {"timezone": "Mars/Olympus"}, "Europe/Moscow"),
    ("/Clients", {"timezone": "europe/moscow"}, "Europe/Moscow"),
    ("/Clients", {"timezone": "Europe/Kiev"}, "Europe/Kyiv is expected"),
    ("/Clients", {"timezone": "asia/calcutta"}, "Asia/Kolkata is expected"),
    ("/Clients", {"timezone": "EUROPE/MOSCOW"}, "Europe/Moscow is expected"),
    ("/Clients", {"timezone": "W-SU"}, "Europe/Moscow is expected"),
    ("/Clients", {"timezone": "America/new york"}, "America/New_York is expected"),
    ("/Clients", {"timezone": "Moscow"}, "Europe/Moscow is expected"),
    ("/Clients", {"timezone": "Etc/GMT+3"}, "such as Europe/Moscow"),
    ("/Clients", {"timezone": ""}, "may not be blank"),
    ("/Clients", {"timezone": 3}, "valid string"),
    ("/Clients", {"phone": "79774053329"}, "Unknown field"),
    ("/Mailing", {"message_text": "   "}, "may not be blank"),
    ("/Mailing", {"message_text": "\u200b"}, "may not be blank"),
    ("/Mailing", {"message_text": " \u3164\u2060\ufe0f\u00ad\u00a0"}, "may not be blank"),
    ("/Mailing", {"message_text": None}, "may not be null"),
    ("/Mailing", {"message_text": 5}, "valid string"),
    ("/Mailing", {"message_text": "\udfff"}, "UTF-8"),
    ("/Mailing", {"message_text": "я" * 1601}, "1600"),
    ("/Mailing", {"message_text": "😀" * 800}, "24"),
    ("/Mailing", {"datetime_start": "yesterday"}, "YYYY-MM-DDThh:mm"),
    ("/Mailing", {"datetime_start": "2022-02-30T00:00:00"}, "YYYY-MM-DDThh:mm"),
    ("/Mailing", {"datetime_start": "0001-01-01T00:00:00+14:00"}, "YYYY-MM-DDThh:mm"),
    ("/Mailing", {"datetime_start": "20220820T214216"}, "YYYY-MM-DDThh:mm"),
    ("/Mailing", {"datetime_start": "2022-08-20T21:42:16  03:00"}, "YYYY-MM-DDThh:mm"),
    ("/Mailing", {"datetime_start": "2022-08-20T21:42:16 +03:00"}, "YYYY-MM-DDThh:mm"),
    ("/Mailing", {"datetime_start": "2022-08-20T21:42:16 0300"}, "YYYY-MM-DDThh:mm"),
    ("/Mailing", {"datetime_start": "2022-08-20T21:42:16 25:00"}, "YYYY-MM-DDThh:mm"),
    ("/Mailing", {"datetime_start": "2022-08-20  03:00"}, "YYYY-MM-DDThh:mm"),
    ("/Mailing", {"datetime_start": 1660000000}, "valid string"),
    ("/Mailing", {"datetime_end": ""}, "may not be blank"),
    ("/Mailing", {"datetime_end": "2040-08-20T21:42:16"}, "later than the start"),
    ("/Mailing", {"datetime_end": "2022-08-20T21:42:16"}, "later than the start"),
    ("/Mailing", {"sender": "Магазин"}, "Latin letters"),
    ("/Mailing", {"sender": "a" * 41}, "Latin letters"),
    ("/Mailing", {"sender": "SHOP\nBcc"}, "Latin letters"),
    ("/Mailing", {"sender": 7}, "valid string"),
    ("/Mailing", {"sender": "SHOP"}, "does not take the name of a sender"),
    ("/Mailing", {"time_from": "9:00"}, "00:00 to 23:59"),
    ("/Mailing", {"time_to": "24:00"}, "00:00 to 23:59"),
    ("/Mailing", {"time_from": 900}, "valid string"),
    ("/Mailing", {"rate_limit": 0}, "from 1 to 100000"),
    ("/Mailing", {"canary": 0}, "from 1 to 10000"),
    ("/Mailing", {"canary": 10001}, "from 1 to 10000"),
    ("/Mailing", {"max_error_rate": 101}, "from 0 to 100"),
    ("/Mailing", {"max_error_rate": "-1"}, "from 0 to 100"),
    ("/Mailing", {"max_error_rate": 5}, "It is the canary's"),
    ("/Mailing", {"rate_limit": "fast"}, "from 1 to 100000"),
    ("/Mailing", {"rate_limit": 2.5}, "valid string"),
    ("/Mailing", {"rate_limit": True}, "valid string"),
    ("/Mailing", {"filter_op_codes": "877"}, "operator code"),
    ("/Mailing", {"filter_op_codes": "9777"}, "operator code"),
    ("/Mailing", {"filter_op_codes": "٩77"}, "operator code"),
    ("/Mailing", {"filter_op_codes": "977,,921"}, "empty item"),
    ("/Mailing", {"filter_op_codes": "977,"}, "empty item"),
    ("/Mailing", {"filter_op_codes": ["977"]}, "valid string"),
    ("/Mailing", {"filter_tag": "a,,b"}, "empty item"),
    ("/Mailing", {"filter_tag": "x" * 256}, "255"),
    ("/Mailing", {"filter_tags": "a"}, "Unknown field"),
]

UNREADABLE = [
    (b'{"phone_number": ', JSON, 400, "detail", "JSON parse error"),
    (b'{"phone_number": NaN}', JSON, 400, "detail", "JSON parse error"),
    (b'{"phone_number": "79774053329", "tag": "\xff"}', JSON, 400, "detail", "UTF-8"),
    (b"[" * 100_000, JSON, 400, "detail", "JSON parse error"),
    (b'{"phone_number": ' + b"7" * 5000 + b"}", JSON, 400, "detail", "JSON parse error"),
    (b"[]", JSON, 400, "non_field_errors", "Expected a dictionary"),
    (b'"79774053329"', JSON, 400, "non_field_errors", "Expected a dictionary"),
    (b"phone_number=79774053329&tag=%FF", FORM, 400, "detail", "UTF-8"),
    (b"phone_number=79774053329&tag=\xff", FORM, 400, "detail", "UTF-8"),
    (b"phone_number=79774053329", "text/plain", 415, "detail", "application/json"),
    (b"phone_number=79774053329", "multipart/form-data; boundary=x", 415, "detail", "application/json"),
    (b"phone_number=79774053329", "", 415, "detail", "application/json"),
    (b'{"tag": "' + b"x" * 256 * 1024 + b'"}', JSON, 413, "detail", "256 KB"),
]

Written = Callable[[], list[Any]]


@pytest.mark.parametrize(("path", "wrong", "expected"), BAD_FIELDS)
def test_an_invalid_field_is_named_with_what_is_expected(
    call: Call, written: Written, path: str, wrong: dict[str, Any], expected: str
) -> None:
    before = written()
    answer = call("POST", path, json={**(CLIENT if path == "/Clients" else MAILING), **wrong})
    assert answer.status == 400, answer.text
    assert list(answer.json) == list(wrong)
    assert expected in " ".join(answer.json[next(iter(wrong))])
    assert written() == before


@pytest.mark.parametrize(("body", "content_type", "status", "field", "expected"), UNREADABLE)
@pytest.mark.parametrize(("method", "path"), [("POST", "/Clients"), ("PATCH", "/Clients/1"), ("PUT", "/Clients/1")])
def test_an_unreadable_body_is_refused(
    call: Call,
    written: Written,
    method: str,
    path: str,
    body: bytes,
    content_type: str,
    status: int,
    field: str,
    expected: str,
) -> None:
    call("POST", "/Clients", form={"phone_number": "79000000001"})
    before = written()
    answer = call(method, path, body=body, content_type=content_type or "application/octet-stream")
    assert answer.status == status, answer.text
    assert list(answer.json) == [field, *["request_id"] * (status == 413)]
    assert expected in json.dumps(answer.json[field])
    assert written() == before


def test_all_invalid_fields_are_named_at_once(call: Call) -> None:
    sent = {"phone_number": "1", "tag": "a,b", "timezone": "x", "colour": "red"}
    assert set(call("POST", "/Clients", json=sent).json) == set(sent)
    assert set(call("POST", "/Mailing", json={"filter_tag": ",", "filter_op_codes": "1"}).json) == {
        "datetime_start",
        "datetime_end",
        "message_text",
        "filter_tag",
        "filter_op_codes",
    }


def test_missing_fields_are_required(call: Call) -> None:
    assert call("POST", "/Clients").json == {"phone_number": ["This field is required."]}
    required = ["This field is required."]
    assert call("POST", "/Mailing", form={}).json == {
        "datetime_start": required,
        "datetime_end": required,
        "message_text": required,
    }


def test_read_only_fields_are_ignored(call: Call) -> None:
    sent = {"id": 77, "operator_code": "x", **CLIENT}
    assert call("POST", "/Clients", json=sent).json["id"] == 1


@pytest.mark.parametrize("wrong", ["abc", "1.5", "-1", "0", "1a", "9" * 40, "٣", "%31"])
@pytest.mark.parametrize("resource", ["Clients", "Mailing", "Stats"])
def test_an_unknown_id_is_not_found(call: Call, resource: str, wrong: str) -> None:
    answer = call("GET", f"/{resource}/{wrong}")
    assert (answer.status, answer.json) == (404, {"detail": "Not found."})


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/Clients", "GET, POST, HEAD"),
        ("POST", "/Clients/1", "GET, PUT, PATCH, DELETE, HEAD"),
        ("PUT", "/Mailing", "GET, POST, HEAD"),
        ("POST", "/Stats", "GET, HEAD"),
        ("DELETE", "/Stats/1", "GET, HEAD"),
    ],
)
def test_another_method_is_refused_with_the_allowed_methods(call: Call, method: str, path: str, allowed: str) -> None:
    answer = call(method, path)
    assert (answer.status, answer.json) == (405, {"detail": f'Method "{method}" not allowed.'})
    assert answer.headers["Allow"] == allowed


def test_an_unknown_filter_of_messages_is_refused(call: Call) -> None:
    call("POST", "/Mailing", json=MAILING)
    answer = call("GET", "/Stats/1?status=lost")
    assert answer.status == 400
    assert "queued, sent, failed, expired, cancelled" in answer.json["status"][0]
