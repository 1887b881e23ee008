"""Idempotency-Key: a repeated POST changes nothing and returns the first answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.adapters.tables.idempotency_keys import IdempotencyKeyRow
from chalicelib.clients.registry import delete_client
from chalicelib.delivery.fanout import start_mailing

from .conftest import Call, refusal

ANNA = {"phone_number": "79770000001"}
MAILING = {"datetime_start": "2026-01-01", "datetime_end": "2036-01-01", "message_text": "text"}


def test_a_repeated_request_returns_the_first_answer_and_creates_nothing(call: Call) -> None:
    first = call("POST", "/Mailing/", json=MAILING, key="k1")
    again = call("POST", "/Mailing/", json=MAILING, key="k1")
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(call("GET", "/Mailing/").json["results"]) == 1


def test_the_first_answer_stays_the_same_after_changes(call: Call) -> None:
    first = call("POST", "/Clients/", json=ANNA, key="k1")
    call("PATCH", "/Clients/1/", json={"tag": "vip"})
    assert call("POST", "/Clients/", json=ANNA, key="k1").json == first.json


def test_the_same_fields_in_another_order_or_content_type_are_the_same_request(call: Call) -> None:
    first = call("POST", "/Mailing/", json=MAILING, key="k1")
    assert call("POST", "/Mailing/", json=dict(reversed(MAILING.items())), key="k1").json == first.json
    assert call("POST", "/Mailing/", form=MAILING, key="k1").json == first.json


def test_a_key_with_another_body_or_address_is_refused(call: Call, written: Callable[[], list[Any]]) -> None:
    call("POST", "/Mailing/", json=MAILING, key="k1")
    before = written()
    answer = call("POST", "/Mailing/", json={**MAILING, "message_text": "other"}, key="k1")
    detail = "This Idempotency-Key was used for another request: take a new key for a new request."
    assert (answer.status, answer.json) == (422, refusal(answer, detail))
    assert call("POST", "/Clients/", json=ANNA, key="k1").status == 422
    assert written() == before


@pytest.mark.parametrize("name", ["otto", "shop"], ids=["another name", "the same name"])
def test_equal_keys_of_different_callers_are_independent(call: Call, services: Services, name: str) -> None:
    other = f"Token {make_token(services, name, 'admin')}"
    assert call("POST", "/Mailing/", json=MAILING, key="k1").json["id"] == 1
    assert call("POST", "/Mailing/", json=MAILING, key="k1", authorization=other).json["id"] == 2


def test_a_request_that_died_half_way_is_completed_by_its_repetition(call: Call, services: Services) -> None:
    """The request reserved its id, created the mailing, and died before it stored its answer."""
    first = call("POST", "/Mailing/", json=MAILING, key="k1").json
    row = next(iter(_rows(services)))
    row.update(actions=[type(row).status_code.remove(), type(row).body.remove()])
    assert call("POST", "/Mailing/", json=MAILING, key="k1").json == first
    assert len(call("GET", "/Mailing/").json["results"]) == 1


def test_a_client_created_by_a_request_that_died_is_the_answer_of_its_repetition(
    call: Call, services: Services
) -> None:
    first = call("POST", "/Clients/", json=ANNA, key="k1").json
    row = next(iter(_rows(services)))
    row.update(actions=[type(row).status_code.remove()])
    assert call("POST", "/Clients/", json=ANNA, key="k1").json == first
    assert call("POST", "/Clients/", json=ANNA, key="k2").status == 400, "another request: the phone number is taken"


def test_an_error_is_not_stored(call: Call, services: Services) -> None:
    call("POST", "/Clients/", json=ANNA)
    assert call("POST", "/Clients/", json=ANNA, key="k1").status == 400
    delete_client(services, 1)
    assert call("POST", "/Clients/", json=ANNA, key="k1").status == 201


def test_a_mailing_that_was_refused_can_be_corrected_under_its_key(call: Call) -> None:
    for wrong in ({"datetime_start": "2037-01-01"}, {"message_text": "{nickname}"}):
        assert call("POST", "/Mailing/", json={**MAILING, **wrong}, key="k1").status == 400
    assert call("POST", "/Mailing/", json=MAILING, key="k1").json["id"] == 1


def test_a_key_can_be_used_again_after_a_day(call: Call, services: Services) -> None:
    call("POST", "/Clients/", json=ANNA, key="k1")
    row = next(iter(_rows(services)))
    assert row.expires_at == pytest.approx((datetime.now(UTC) + timedelta(hours=24)).timestamp(), abs=60)
    row.update(actions=[type(row).expires_at.set(int(datetime.now(UTC).timestamp()) - 1)])
    assert call("POST", "/Clients/", json=ANNA, key="k1").status == 400, "carried out again: the phone number is taken"


def test_a_repeated_resend_is_carried_out_once(call: Call, services: Services) -> None:
    call("POST", "/Mailing/", json=MAILING)
    start_mailing(services, 1)
    for _ in range(2):
        assert call("POST", "/Mailing/1/resend/", json={"statuses": "failed"}, key="k1").status == 200
    resent = services.mailings.get(1)
    assert resent is not None
    assert resent.resends == 1


@pytest.mark.parametrize("key", ["", "k" * 256, "two words", "ключ"])
def test_a_key_is_printable_ascii(call: Call, key: str, written: Callable[[], list[Any]]) -> None:
    before = written()
    answer = call("POST", "/Clients/", json=ANNA, key=key)
    assert answer.status == 400
    assert "Idempotency-Key" in answer.json["detail"]
    assert written() == before


def _rows(services: Services) -> Any:
    _ = services.idempotency_keys  # the attribute that `Table` needs
    return IdempotencyKeyRow.scan()
