from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib import runtime
from chalicelib.adapters.services import Services
from chalicelib.domain.counts import Counts
from chalicelib.domain.decisions import ended
from chalicelib.domain.money import UNIT, Amount
from chalicelib.mailings.lifecycle import get_mailing

from .conftest import Call

NO_MESSAGES = {"queued": 0, "sent": 0, "failed": 0, "expired": 0, "cancelled": 0, "unknown": 0}
NO_MESSAGES |= {"delivered": 0, "undelivered": 0}
NO_MONEY = {"parts": 0, "spent": None, "currency": None}


def test_the_statistics_without_mailings_are_zeros(call: Call) -> None:
    assert call("GET", "/Stats").json == {
        "totals": {"mailings": 0, "messages": 0, **NO_MESSAGES, **NO_MONEY},
        "dead_letters": 0,
        "balances": [],
        "next": None,
        "results": [],
    }


def test_statistics_of_all_mailings_with_counts_and_totals(call: Call, mailing: dict[str, object]) -> None:
    assert call("GET", "/Stats").json == {
        "totals": {"mailings": 1, "messages": 3, **NO_MESSAGES, "queued": 2, "sent": 1, **NO_MONEY},
        "dead_letters": 0,
        "balances": [],
        "next": None,
        "results": [{**mailing, **NO_MONEY, "messages": {"total": 3, **NO_MESSAGES, "queued": 2, "sent": 1}}],
    }


def test_statistics_of_one_mailing_with_its_messages(call: Call, mailing: dict[str, object]) -> None:
    found = call("GET", "/Stats/1").json
    messages = found.pop("results")
    assert found.pop("last_post_at").endswith("Z")
    counts = {"total": 3, **NO_MESSAGES, "queued": 2, "sent": 1}
    ends = {"ended_at": None, "cost_estimate": None}
    assert found == {**mailing, **ends, **NO_MONEY, "messages": counts, "next": None}
    assert [message["id"] for message in messages] == [10_000_000_001, 10_000_000_002, 10_000_000_003]
    first = messages[0]
    assert first["created_at"].endswith("Z")
    assert first["sent_at"].endswith("Z")
    del first["created_at"], first["sent_at"]
    assert first == {
        "id": 10_000_000_001,
        "mailing_id": 1,
        "client_id": 1,
        "status": "sent",
        "attempts": 1,
        "last_error": None,
        "reported_at": None,
        "consent_at": None,
    }


def test_a_mailing_that_has_ended_has_its_cost(services: Services, call: Call, mailing: dict[str, object]) -> None:
    found = get_mailing(services, 1)
    services.mailings.end(
        found, ended(found, Counts(total=100_000, sent=90_000, cancelled=10_000), services.clock.now())
    )
    dollars = call("GET", "/Stats/1").json["cost_estimate"]
    assert 0.2 < dollars < 0.225, "below 2.25 a million; messages that were not posted cost less"


def test_the_statistics_have_what_the_texts_have_cost(
    services: Services, call: Call, mailing: dict[str, object]
) -> None:
    services.settings = replace(services.settings, gateway_price=3_500_000, gateway_currency="RUB")
    services.mailings.add_counts(1, Counts(sent=1, parts=2, cost=7_000_000), services.clock.now())
    spent = {"parts": 2, "spent": "7.00", "currency": "RUB"}
    for shown in (call("GET", "/Stats/1").json, call("GET", "/Stats").json["totals"]):
        assert {name: shown[name] for name in spent} == spent
    assert "notifications_spent 7.0" in call("GET", "/metrics").text


def test_messages_are_filtered_by_status_and_paginated(call: Call, mailing: dict[str, object]) -> None:
    assert [message["client_id"] for message in call("GET", "/Stats/1?status=sent").json["results"]] == [1]
    page = call("GET", "/Stats/1?status=queued&limit=1").json
    assert [message["client_id"] for message in page["results"]] == [2]
    assert "status=queued" in page["next"]
    rest = call("GET", page["next"].removeprefix("https://api.example.com")).json
    assert [message["client_id"] for message in rest["results"]] == [3]
    assert rest["next"] is None


def test_the_number_of_dead_letters_is_shown(call: Call, services: Services) -> None:
    services.dead_letters.send_body("garbage")
    assert call("GET", "/Stats").json["dead_letters"] == 1


def test_the_balances_at_the_gateways_are_shown_with_their_time(
    call: Call, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    services.balances.keep({"smsc": (Amount(97_500_000, "RUB"), told_at), "gone": (Amount(1, "EUR"), told_at)})
    assert call("GET", "/Stats").json["balances"] == [], "BALANCE_ALARM is not set"
    watching = replace(services.settings, gateway="smsc", balance_alarm=100 * UNIT)
    monkeypatch.setattr(runtime.services(), "settings", watching)
    [balance] = call("GET", "/Stats").json["balances"]
    at = {"at": "2026-11-27T12:00:00Z", "is_low": True}
    assert balance == {"gateway": "smsc", "balance": "97.50", "currency": "RUB", **at}
    assert 'notifications_balance{gateway="smsc"} 97.5' in call("GET", "/metrics").text
