"""No answer is larger than Lambda allows, whatever the rows of a list contain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib.access.audit import author_of
from chalicelib.adapters.services import Services
from chalicelib.clients import imports
from chalicelib.domain.client_import import RefusedRow
from chalicelib.fields import MAILING
from chalicelib.http.paging import read_fitting
from chalicelib.mailings.lifecycle import announce_mailing
from chalicelib.rules import read_fields
from chalicelib.texts import Text

from .conftest import Answer, Call

LAMBDA_LIMIT = 6 * 1024**2
DATES = {"datetime_start": "2040-08-20", "datetime_end": "2040-08-22"}
ROWS = 270
HOST = "https://api.example.com"


def size_on_lambda(answer: Answer) -> int:
    """Bytes of the function's answer: the body is a string in JSON, where a Cyrillic letter takes six of them."""
    return len(json.dumps({"statusCode": answer.status, "headers": answer.headers, "body": answer.text}))


def followed(call: Call, path: str) -> list[Answer]:
    """The pages of a list, or the parts of an export, up to the last one."""
    found = [call("GET", path)]
    while following := _next(found[-1]):
        found.append(call("GET", following.removeprefix(HOST)))
    return found


def _next(answer: Answer) -> str | None:
    if "Link" in answer.headers:
        return answer.headers["Link"].partition(">")[0].removeprefix("<")
    link: str | None = answer.json["next"] if answer.text.startswith("{") else None
    return link


@pytest.fixture
def long_mailings(services: Services) -> list[int]:
    """Rows of the longest kind that the table takes: an earlier version set no bound to the text."""
    found = []
    for _ in range(30):
        mailing = announce_mailing(services, _mailing_fields(), author=author_of(services, "anna"))
        services.mailings.change(mailing, replace(mailing, message_text="ы" * 60_000))
        found.append(mailing.id)
    return found


def _mailing_fields() -> Any:
    return read_fields({**DATES, "message_text": "text"}, MAILING, set(), partial=False)


@pytest.fixture
def refused_rows(services: Services) -> int:
    """An import with the longest rows: in JSON a control character takes six bytes."""
    content = b"phone_number;tag\n1;\n"
    form = imports.check_content(content, "a.csv")
    author = author_of(services, "anna")
    client_import = imports.import_content(services, content, form, "a.csv", author)
    cells, errors = {"phone_number": "\x01" * 4000}, {"phone_number": [Text("client.phone_number")]}
    services.imports.add_refused(client_import, [RefusedRow(number, cells, errors) for number in range(2, ROWS + 2)])
    return client_import.id


@pytest.mark.parametrize("path", ["/Mailing/", "/Stats/"])
def test_a_page_of_long_mailings_ends_early_and_the_next_one_goes_on(
    call: Call, long_mailings: list[int], path: str
) -> None:
    pages = followed(call, path)
    assert len(pages) > 1
    assert max(map(size_on_lambda, pages)) < LAMBDA_LIMIT
    assert [row["id"] for page in pages for row in page.json["results"]] == long_mailings[::-1]


def test_a_page_of_refused_rows_ends_early_and_the_next_one_goes_on(call: Call, refused_rows: int) -> None:
    pages = followed(call, f"/Clients/import/{refused_rows}/?limit=1000")
    assert len(pages) > 1
    assert max(map(size_on_lambda, pages)) < LAMBDA_LIMIT
    assert [row["row"] for page in pages for row in page.json["results"]] == list(range(2, ROWS + 2))


def test_a_part_of_an_export_ends_early_and_the_next_one_goes_on(call: Call, refused_rows: int) -> None:
    parts = followed(call, f"/Clients/import/{refused_rows}/refused/")
    assert len(parts) > 1
    assert max(map(size_on_lambda, parts)) < LAMBDA_LIMIT
    assert "".join(part.text for part in parts).count("\r\n") == ROWS + 1


@pytest.fixture
def invoke(services: Services) -> Iterator[Any]:
    with Client(app) as client:
        yield lambda name, payload: client.lambda_.invoke(name, payload).payload


def test_an_invocation_that_lists_refused_rows_answers_with_as_many_as_fit(invoke: Any, refused_rows: int) -> None:
    answer = invoke("start_import", {"import": refused_rows, "refused": 1000})
    assert len(json.dumps(answer)) < LAMBDA_LIMIT
    assert 0 < len(answer["results"]) < ROWS


@pytest.mark.parametrize(
    ("sizes", "shown"), [([9, 9, 9], 1), ([3, 3, 3, 3], 3), ([1] * 5, 5), ([1, 99, 1], 1), ([], 0)]
)
def test_a_page_has_as_many_rows_as_fit_and_at_least_one(sizes: list[int], shown: int) -> None:
    found, position = read_fitting(lambda limit: (sizes[:limit], None), 10, sum, room=9)
    assert (len(found), position) == (shown, None)


def test_a_row_that_grows_between_two_reads_is_measured_again() -> None:
    reads = [[1, 1, 50], [5, 5], [5]]
    found, _ = read_fitting(lambda limit: (reads.pop(0)[:limit], None), 10, sum, room=9)
    assert found == [5]
