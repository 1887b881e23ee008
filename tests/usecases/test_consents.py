"""Consents in imports: the newer one stays, and an audit record keeps what a file replaces."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.clients.import_worker import process_import
from chalicelib.clients.imports import check_content, import_content, list_refused
from chalicelib.clients.registry import register_client, withdraw_consent
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client import Client
from infra.local.doubles.fakes import FakeServices

COLUMNS = "phone_number;consent_at;consent_source;consent_text;consent_withdrawn_at\n"
GIVEN = datetime(2022, 1, 1, 10, tzinfo=UTC)


@pytest.fixture
def services() -> Any:
    return FakeServices()


def imported(services: Any, text: str) -> dict[str, int]:
    content = text.encode()
    author = Author("anna", services.clock.now(), 0.5)
    one = import_content(services, content, check_content(content, "a.csv"), "a.csv", author)
    assert process_import(services, one.id, lambda: 60.0)
    tally = services.imports.rows[one.id].tally
    return {"added": tally.added, "changed": tally.changed, "unchanged": tally.unchanged, "refused": tally.refused}


def records(services: Any) -> list[tuple[str, Any, Any]]:
    return [(one.action, one.before, one.after) for one in services.audit.records if one.what == "client"]


def test_consents_of_a_file_are_added_and_a_repetition_changes_nothing(services: Any) -> None:
    rows = f"{COLUMNS}79770000001;2022-01-01T10:00:00Z;the form;I agree;\n79770000002;;;;2022-02-01\n"
    assert imported(services, rows) == {"added": 2, "changed": 0, "unchanged": 0, "refused": 0}
    assert imported(services, rows) == {"added": 0, "changed": 0, "unchanged": 2, "refused": 0}
    consent = {"consent_at": GIVEN, "consent_source": "the form", "consent_text": "I agree"}
    assert replace(services.clients.rows[1], registered_at=None) == Client(1, "79770000001", **consent)
    assert services.clients.rows[2].consent_withdrawn_at == datetime(2022, 2, 1, tzinfo=UTC)
    assert imported(services, "phone_number;tag\n79770000001;vip\n")["changed"] == 1
    assert services.clients.rows[1].consent == GIVEN, "a file without these columns keeps the consent"
    assert records(services) == [], "a first consent is in the client"


def test_what_a_file_replaces_is_in_the_audit_log(services: Any) -> None:
    register_client(services, {"phone_number": "79770000001", "consent_at": GIVEN, "consent_text": "I agree"})
    rows = f"{COLUMNS}79770000001;2022-05-01;a shop;Yes;\n"
    assert imported(services, rows)["changed"] == 1
    assert imported(services, f"{COLUMNS}79770000001;;;;2022-06-01\n")["changed"] == 1
    replaced, withdrawn = records(services)
    assert replaced[0] == withdrawn[0] == "changed"
    assert replaced[1]["consent_at"] == "2022-01-01T10:00:00Z"
    assert replaced[1]["consent_text"] == "I agree"
    assert replaced[2]["consent_source"] == "***"
    assert withdrawn[2] == {"consent_withdrawn_at": "2022-06-01T00:00:00Z"}


def test_no_older_file_undoes_a_withdrawal_not_even_for_a_client_without_a_consent(services: Any) -> None:
    for number in (1, 2):
        given: Any = {"consent_at": GIVEN} if number == 1 else {}
        register_client(services, {"phone_number": f"7977000000{number}", **given})
        withdraw_consent(services, number)
    rows = "".join(f"7977000000{number};2022-03-01;a shop;Yes;\n" for number in (1, 2))
    assert imported(services, COLUMNS + rows)["changed"] == 2
    assert [client.consent for client in services.clients.rows.values()] == [None, None]


def test_rows_with_half_a_consent_or_one_from_the_future_are_refused(services: Any) -> None:
    rows = (
        "79770000001;;the form;;\n79770000002;2999-01-01;;;\n79770000003;soon;;;\n"
        f"79770000004;2022-01-01;{'я' * 255};{'я' * 300};\n"
    )
    assert imported(services, COLUMNS + rows) == {"added": 0, "changed": 0, "unchanged": 0, "refused": 4}
    found, _ = list_refused(services, 1, 0, 9)
    assert [list(row.errors) for row in found] == [["consent_at"]] * 3 + [["consent_text"]]


def test_a_text_that_does_not_fit_beside_the_stored_source_of_its_consent_is_refused(services: Any) -> None:
    given = {"consent_at": GIVEN, "consent_source": "я" * 255}
    register_client(services, {"phone_number": "79770000001", **given})
    rows = f"{COLUMNS}79770000001;2022-01-01T10:00:00Z;;{'я' * 300};\n"
    assert imported(services, rows) == {"added": 0, "changed": 0, "unchanged": 0, "refused": 1}
    found, _ = list_refused(services, 1, 0, 9)
    assert [list(row.errors) for row in found] == [["consent_text"]]
    assert services.clients.rows[1].consent_text is None


def test_many_opt_outs_and_consents_of_one_file_are_written_in_groups_that_fit(services: Any) -> None:
    for number in range(120):
        register_client(services, {"phone_number": f"7977{number:07d}", "consent_at": GIVEN})
    rows = "".join(f"7977{number:07d};2022-05-01;{'2022-06-01' if number % 2 else ''}\n" for number in range(120))
    assert imported(services, f"phone_number;consent_at;opted_out_at\n{rows}")["changed"] == 120
    actions = [action for action, _, _ in records(services)]
    assert (actions.count("opted out"), actions.count("changed")) == (60, 60)
