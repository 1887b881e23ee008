"""The consent of a client to marketing, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters import aws
from chalicelib.adapters.services import Services
from chalicelib.clients.import_worker import run_import
from chalicelib.domain.jobs import ImportClients
from infra.local.doubles.partition import size_of

from .conftest import Call

PHONE = "79774053329"
CONSENT = {"consent_at": "2026-03-01T10:00:00Z", "consent_source": "the form of the shop", "consent_text": "I agree."}


@pytest.fixture
def client(call: Call) -> Any:
    return call("POST", "/Clients", json={"phone_number": PHONE, **CONSENT}).json


def test_a_consent_is_registered_changed_and_sent_back(call: Call, client: Any) -> None:
    assert {name: client[name] for name in CONSENT} == CONSENT
    assert client["consent_withdrawn_at"] is None
    assert call("PUT", "/Clients/1", json=client).json == client
    assert call("PATCH", "/Clients/1", form={"consent_at": "2026-03-02 13:00+03:00"}).json == {
        **client,
        "consent_at": "2026-03-02T10:00:00Z",
    }
    blank = dict.fromkeys(CONSENT, "")
    assert call("PATCH", "/Clients/1", form=blank).json == {**client, **dict.fromkeys(CONSENT)}


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"consent_at": "yesterday"}, {"consent_at"}),
        ({"consent_source": "x" * 256, "consent_text": "x" * 501}, {"consent_source", "consent_text"}),
        ({"consent_source": "the form"}, {"consent_at"}),
        ({"consent_at": "2026-01-01", "consent_text": "각" * 400}, {"consent_text"}),
        ({"consent_at": "1986-01-01", "consent_withdrawn_at": "2999-01-01"}, {"consent_at", "consent_withdrawn_at"}),
    ],
)
def test_a_wrong_consent_is_refused_by_its_fields_and_nothing_is_written(
    call: Call, sent: dict[str, str], wrong: set[str]
) -> None:
    answer = call("POST", "/Clients", json={"phone_number": PHONE, **sent})
    assert (answer.status, set(answer.json)) == (400, wrong)
    call("POST", "/Clients", json={"phone_number": PHONE})
    before = call("GET", "/Clients/1").json
    assert call("PATCH", "/Clients/1", json=sent).status == 400
    assert call("GET", "/Clients/1").json == before


def test_the_time_of_a_consent_cannot_be_removed_alone(call: Call, client: Any) -> None:
    answer = call("PATCH", "/Clients/1", json={"consent_at": None})
    assert (answer.status, list(answer.json)) == (400, ["consent_at"])
    assert call("PATCH", "/Clients/1", json={"tag": "vip"}).json == {**client, "tag": "vip"}


def test_a_withdrawal_keeps_the_record_and_a_repetition_its_time(call: Call, client: Any) -> None:
    answer = call("POST", "/Clients/1/withdraw_consent/")
    assert answer.status == 200
    withdrawn_at = datetime.fromisoformat(answer.json["consent_withdrawn_at"])
    assert datetime.now(UTC) - withdrawn_at < timedelta(minutes=1)
    assert {**answer.json, "consent_withdrawn_at": None} == client
    assert call("POST", "/Clients/1/withdraw_consent").json == answer.json == call("GET", "/Clients/1").json
    assert call("PUT", "/Clients/1", json=answer.json).json == answer.json
    assert [record["action"] for record in call("GET", "/Audit").json["results"]] == ["consent withdrawn", "made"]


def test_a_withdrawal_is_recorded_without_a_consent_too_and_a_newer_consent_counts_again(
    call: Call, services: Services
) -> None:
    call("POST", "/Clients", json={"phone_number": PHONE})
    assert call("POST", "/Clients/1/withdraw_consent").json["consent_withdrawn_at"] is not None
    call("PATCH", "/Clients/1", json=CONSENT)
    found = services.clients.get(1)
    assert found is not None
    assert found.consent is None, "the consent is older"
    later = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    call("PATCH", "/Clients/1", json={"consent_at": later, "consent_source": "a call"})
    found = services.clients.get(1)
    assert found is not None
    assert found.consent == found.consent_at
    call("POST", "/Clients/1/withdraw_consent")
    found = services.clients.get(1)
    assert found is not None
    assert found.consent is None, "also if the clock of the consent was ahead"


def test_a_read_token_cannot_withdraw_and_an_unknown_client_is_not_found(
    call: Call, client: Any, services: Services
) -> None:
    reader = f"Token {make_token(services, 'rita', 'read')}"
    assert call("POST", "/Clients/1/withdraw_consent", authorization=reader).status == 403
    assert call("POST", "/Clients/7/withdraw_consent").status == 404
    assert call("POST", "/Clients/1/withdraw_consent", json={"why": "rain"}).status == 400
    assert call("GET", "/Clients/1").json == client


def test_a_repeated_withdrawal_gets_the_first_answer(call: Call, client: Any) -> None:
    first = call("POST", "/Clients/1/withdraw_consent", key="k1")
    call("PATCH", "/Clients/1", json={"tag": "vip"})
    again = call("POST", "/Clients/1/withdraw_consent", key="k1")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")


def test_the_audit_has_times_and_texts_of_consents_and_no_sources(call: Call, client: Any) -> None:
    call("PATCH", "/Clients/1", json={"consent_source": "10.1.2.3"})
    changed, made = call("GET", "/Audit").json["results"]
    assert {name: made["after"][name] for name in CONSENT} == {**CONSENT, "consent_source": "***"}
    assert (changed["before"], changed["after"]) == ({"consent_source": "***"}, {"consent_source": "***"})


def test_an_export_can_be_imported_and_an_import_keeps_the_newer_consent_and_withdrawal(
    call: Call, client: Any, services: Services
) -> None:
    exported = call("GET", "/Clients/export").text
    withdrawn = call("POST", "/Clients/1/withdraw_consent").json
    older = exported.replace("2026-03-01", "2026-02-01").replace("I agree.", "Yes.")
    for number, text in enumerate((exported, older), 1):
        call("POST", "/Clients/import", body=text.encode(), content_type="text/csv")
        run_import(services, ImportClients(number), lambda: 60.0)
        assert call("GET", f"/Clients/import/{number}").json["unchanged"] == 1
    assert call("GET", "/Clients/1").json == withdrawn


def test_the_row_of_a_client_is_below_4_kb_whatever_the_lengths_of_its_cyrillic_fields(call: Call) -> None:
    longest = {
        "phone_number": PHONE,
        "tag": "ж" * 255,
        "timezone": "America/Argentina/Buenos_Aires",
        "attributes": {f"поле{number:02d}": "ж" * 20 for number in range(20)},
        "consent_at": "2026-03-01T10:00:00Z",
        "consent_source": "ж" * 255,
        "consent_text": "ж" * 257,
        "consent_withdrawn_at": "2026-03-02T10:00:00Z",
    }
    assert call("POST", "/Clients", json=longest).status == 201
    assert call("POST", "/Clients/1/opt_out").status == 200
    too_long = {**longest, "phone_number": "79770000002", "consent_text": "ж" * 258}
    assert call("POST", "/Clients", json=too_long).status == 400
    [row] = aws.client("dynamodb").scan(TableName=f"{client_table()}")["Items"]
    assert 3000 < size_of(row) < 4096


def client_table() -> str:
    names = aws.client("dynamodb").list_tables()["TableNames"]
    return next(name for name in names if name.endswith("-clients"))
