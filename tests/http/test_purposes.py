"""The purpose of a mailing, its preview with REQUIRE_CONSENT, and the report on a client's consent, over HTTP."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import runtime
from chalicelib import settings as settings_module
from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.message import Claim, MessageKey
from chalicelib.texts import Text

from .conftest import Call

START = datetime(2030, 6, 3, 6, tzinfo=UTC)
MAILING = {
    "datetime_start": START.isoformat(),
    "datetime_end": (START + timedelta(hours=1)).isoformat(),
    "message_text": "text",
}
GIVEN = "2026-03-01T10:00:00Z"


@pytest.fixture
def requires_consent(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_CONSENT", "true")
    settings_module.settings.cache_clear()
    runtime.services.cache_clear()


@pytest.fixture
def clients(call: Call) -> None:
    """With a consent, without one, and with a withdrawn one."""
    for number, given in enumerate(
        [{"consent_at": GIVEN}, {}, {"consent_at": GIVEN, "consent_withdrawn_at": "2026-04-01T00:00:00Z"}]
    ):
        call("POST", "/Clients", json={"phone_number": f"7977000000{number}", "tag": "vip", **given})


def test_the_purpose_is_service_unless_given_and_fixed_after_the_start(call: Call, services: Services) -> None:
    assert call("POST", "/Mailing", json=MAILING).json["purpose"] == "service"
    made = call("POST", "/Mailing", form={**MAILING, "purpose": "marketing"}).json
    assert (made["purpose"], call("GET", "/Mailing/2").json["purpose"]) == ("marketing", "marketing")
    assert call("PATCH", "/Mailing/2", json={"purpose": None}).json["purpose"] == "service"
    assert call("PUT", "/Mailing/2", json=made).json == made
    refused = call("PATCH", "/Mailing/2", json={"purpose": "spam"})
    assert (refused.status, refused.json) == (400, {"purpose": ["service or marketing is expected."]})
    call("PATCH", "/Mailing/2", json={"datetime_start": "2020-01-01"})
    start_mailing(services, 2)
    assert list(call("PATCH", "/Mailing/2", json={"purpose": "service"}).json) == ["purpose"]
    assert call("PATCH", "/Mailing/2", json={"purpose": "marketing"}).status == 200


@pytest.mark.usefixtures("clients", "requires_consent")
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"filter_tag": "vip"},
        {"filter_op_codes": "977"},
        {"filter": {"field": "tag", "is": "vip"}},
        {"filter": {"not": {"field": "tag", "starts_with": "x"}}},
    ],
)
def test_with_the_setting_a_preview_of_marketing_counts_only_clients_with_a_consent(
    call: Call, filters: dict[str, Any]
) -> None:
    text = {"message_text": "{tag}"}
    service = call("POST", "/Mailing/preview", json={**MAILING, **filters, **text}).json
    assert (service["clients"], service["reached"], "warnings" in service) == (3, 3, False)
    marketing = call("POST", "/Mailing/preview", json={**MAILING, **filters, **text, "purpose": "marketing"}).json
    assert (marketing["clients"], marketing["reached"], len(marketing["examples"])) == (1, 1, 1)
    assert "without a consent to marketing are not counted" in marketing["warnings"][0]


@pytest.mark.usefixtures("clients")
def test_without_the_setting_a_preview_of_marketing_counts_everybody(call: Call) -> None:
    found = call("POST", "/Mailing/preview", json={**MAILING, "purpose": "marketing"}).json
    assert (found["clients"], "warnings" in found) == (3, False)


@pytest.mark.usefixtures("requires_consent")
def test_marketing_that_nobody_has_agreed_to_has_a_warning(call: Call) -> None:
    call("POST", "/Clients", json={"phone_number": "79770000001"})
    made = call("POST", "/Mailing", json={**MAILING, "purpose": "marketing"}).json
    assert made["warnings"] == ["The mailing has no recipients now. They are chosen at its start."]
    assert "warnings" not in call("POST", "/Mailing", json=MAILING).json


@pytest.fixture
def reported(call: Call, services: Services) -> dict[str, Any]:
    """A client in Omsk with a consent that it has withdrawn, after a message of marketing that was sent on it."""
    about = {"consent_at": GIVEN, "consent_source": "=form", "consent_text": "Согласен"}
    client = {"phone_number": "79774053329", "timezone": "Asia/Omsk", **about}
    call("POST", "/Clients", json=client)
    for purpose in ("service", "marketing"):
        times = {"datetime_start": "2026-01-01", "datetime_end": "2030-01-01"}
        mailing = call("POST", "/Mailing", json={**MAILING, **times, "purpose": purpose}).json
        start_mailing(services, mailing["id"])
        walk_slice(services, mailing["id"], 0, lambda: 60.0)
    key, now = MessageKey(2, 1, 1), datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    given_at = datetime.fromisoformat(GIVEN)
    [claimed] = services.messages.claim_all([Claim(key, now + timedelta(seconds=9), "contract", True, given_at)], now)
    services.messages.settle(claimed, "sent", now)  # type: ignore[arg-type]
    other = services.messages.claim(MessageKey(1, 1, 1), now, now + timedelta(seconds=9))
    services.messages.settle(other, "failed", now, Text("gateway.silent", error="x"))  # type: ignore[arg-type]
    call("PATCH", "/Clients/1", json={"consent_withdrawn_at": "2026-11-27T01:00:00Z"})
    return client


def report(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))


def test_the_report_has_the_consent_and_the_messages_in_the_local_time_of_the_client(
    call: Call, reported: dict[str, Any], services: Services
) -> None:
    reader = f"Token {make_token(services, 'rita', 'read')}"
    answer = call("GET", "/Clients/1/consent_report/", authorization=reader)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="client-1-consent.csv"'
    consent, withdrawal, marketing, service = report(answer.text)
    assert {row["phone_number"] for row in report(answer.text)} == {"79774053329"}
    assert {row["timezone"] for row in report(answer.text)} == {"Asia/Omsk"}
    assert (consent["kind"], consent["at"]) == ("consent", "2026-03-01T16:00:00+06:00")
    assert (consent["source"], consent["text"]) == ("'=form", "Согласен")
    assert (withdrawal["kind"], withdrawal["at"]) == ("withdrawal", "2026-11-27T07:00:00+06:00")
    assert (marketing["kind"], marketing["mailing_id"], marketing["message_id"]) == ("message", "2", "20000000001")
    assert (marketing["purpose"], marketing["status"], marketing["text"]) == ("marketing", "sent", "text")
    assert marketing["at"].endswith("+06:00")
    assert (marketing["sent_at"], marketing["consent_at"]) == ("2026-11-28T05:30:00+06:00", consent["at"])
    assert (service["purpose"], service["status"], service["consent_at"]) == ("service", "failed", "")
    assert service["reason"]
    shown = call("GET", "/Stats/2").json["results"][0]
    assert shown["consent_at"] == GIVEN


def test_the_parts_of_a_report_together_are_one_file(call: Call, reported: dict[str, Any]) -> None:
    whole = call("GET", "/Clients/1/consent_report").text
    first = call("GET", "/Clients/1/consent_report?limit=1")
    rest = call("GET", first.headers["Link"].partition(">")[0].removeprefix("<https://api.example.com"))
    assert first.text + rest.text == whole


def test_the_report_of_a_client_without_a_consent_has_its_head_and_of_an_unknown_one_is_not_found(call: Call) -> None:
    call("POST", "/Clients", json={"phone_number": "79770000001"})
    assert report(call("GET", "/Clients/1/consent_report").text) == []
    assert [call("GET", f"/Clients/{name}/consent_report").status for name in ("7", "x")] == [404, 404]
    assert call("POST", "/Clients/1/consent_report").status == 405
