"""The description of the API: `/openapi.json` agrees with the routes, and `/docs/` shows it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app import app
from chalicelib.api.operations import OPERATIONS
from chalicelib.domain.allowed_steps import ALLOWED_IN, CHANGE, DELETE, FIXED_AFTER_START
from chalicelib.domain.mailing import STATUSES
from chalicelib.fields import CLIENT, CLIENT_READ_ONLY, MAILING, RECEIPT
from chalicelib.rules import Field, read_fields

from .conftest import Call

EXAMPLES = [(name, field) for known in (CLIENT, MAILING, RECEIPT) for name, field in known.items()]
UNDOCUMENTED = {"/", "/openapi.json", "/docs", "/docs/{name}", "/Receipts/{gateway}/{key}"}


@pytest.fixture
def described(call: Call) -> Any:
    answer = call("GET", "/openapi.json", authorization=None)
    assert answer.status == 200
    return answer.json


def test_the_description_is_served_without_a_token(described: Any) -> None:
    assert described["openapi"].startswith("3.1")
    assert described["servers"] == [{"url": "https://api.example.com"}]


def test_every_route_of_the_api_is_described(described: Any) -> None:
    documented = [path for path in app.routes if path not in UNDOCUMENTED and not path.startswith("/console")]
    routes = {re.sub(r"{\w+}", "{id}", path) + "/" for path in documented}
    assert {re.sub(r"{\w+}", "{id}", path) for path in described["paths"]} == routes


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_a_described_request_is_not_refused_as_unknown(call: Call, operation: Any) -> None:
    answer = call(operation.method.upper(), operation.path.replace("{id}", "1"))
    assert answer.status != 405


def test_a_request_that_is_not_described_is_refused(call: Call) -> None:
    described = {(operation.method, operation.path) for operation in OPERATIONS}
    for path in {operation.path for operation in OPERATIONS if operation.caller == "token"}:
        for method in ("get", "post", "put", "patch", "delete"):
            if (method, path) not in described:
                assert call(method.upper(), path.replace("{id}", "1")).status == 405


def test_the_described_fields_are_the_validated_fields(described: Any) -> None:
    schemas = described["components"]["schemas"]
    assert set(schemas["NewClient"]["properties"]) == set(CLIENT) | CLIENT_READ_ONLY
    assert schemas["NewClient"]["required"] == ["phone_number"]
    assert schemas["ClientChange"]["required"] == []
    assert schemas["NewMailing"]["required"] == ["datetime_start", "datetime_end", "message_text"]
    assert schemas["NewMailing"]["additionalProperties"] is False


@pytest.mark.parametrize(("name", "field"), EXAMPLES, ids=lambda one: one if isinstance(one, str) else "")
def test_every_example_is_valid(name: str, field: Field) -> None:
    examples: Any = field.rule.schema.get("examples") or field.rule.schema["enum"]
    for example in examples:
        assert name in read_fields({name: example}, {name: field}, set(), partial=True)


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.step], ids=lambda one: f"{one.method} {one.path}"
)
def test_a_step_names_the_statuses_that_allow_it_and_the_fixed_fields(described: Any, operation: Any) -> None:
    text = described["paths"][operation.path][operation.method]["description"]
    statuses = {status for status in STATUSES if status in text}
    assert statuses == set(ALLOWED_IN[operation.step]) or (operation.step == DELETE and "every status" in text)
    assert {name for name in MAILING if f" {name}" in text} == (
        set(FIXED_AFTER_START) if operation.step == CHANGE else set()
    )


def test_every_step_and_every_fixed_field_is_described(described: Any) -> None:
    assert {one.step for one in OPERATIONS if one.step} == set(ALLOWED_IN)
    fields = described["components"]["schemas"]["MailingChange"]["properties"]
    fixed = {name for name, field in fields.items() if "Fixed after the start" in field.get("description", "")}
    assert fixed == set(FIXED_AFTER_START)


def test_every_reference_has_a_target(described: Any) -> None:
    references = set(re.findall(r"#/components/schemas/(\w+)", str(described)))
    assert references <= set(described["components"]["schemas"])


def test_the_page_loads_everything_from_its_own_host(call: Call) -> None:
    page = call("GET", "/docs/", authorization=None)
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    addresses = re.findall(r'(?:src|href|data-description)="(http[^"]+)"', page.text)
    assert len(addresses) == 4
    for address in addresses:
        assert address.startswith("https://api.example.com/")
        assert call("GET", address.removeprefix("https://api.example.com"), authorization=None).status == 200


def test_a_file_is_stored_for_a_year_under_the_address_of_its_content(call: Call) -> None:
    page = call("GET", "/docs/", authorization=None).text
    addresses = re.findall(r'(?:src|href)="https://api.example.com(/docs/[^"]+)"', page)
    assert len(addresses) == 3
    for address in addresses:
        file, _, digest = address.partition("?v=")
        assert len(digest) == 16
        stored = call("GET", address, authorization=None).headers
        assert stored["Cache-Control"] == "public, max-age=31536000, immutable"
        assert stored["Vary"] == "Accept-Encoding"
        for other in (file, f"{file}?v=0000000000000000"):
            assert call("GET", other, authorization=None).headers["Cache-Control"] == "max-age=3600"


def test_no_other_files_are_served(call: Call) -> None:
    for name in ("other.js", "..%2fapp.py", "html.py"):
        assert call("GET", f"/docs/{name}", authorization=None).status == 404
