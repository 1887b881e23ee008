"""The history of a client over HTTP."""

from __future__ import annotations

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.domain.former_text import MAX_FORMER_TEXTS

from .conftest import Call


def test_a_client_has_the_messages_of_its_mailings_with_text_and_status(
    call: Call, mailing: dict[str, object], services: Services
) -> None:
    answer = call("GET", "/Clients/1/history/").json
    [sent] = answer["results"]
    assert answer["next"] is None
    assert (sent["mailing_id"], sent["client_id"], sent["status"]) == (1, 1, "sent")
    assert (sent["message_text"], sent["datetime_start"]) == ("text", mailing["datetime_start"])
    assert sent["sent_at"].endswith("Z")
    listed = call("GET", "/Stats/1").json["results"][0]
    assert {name: sent[name] for name in listed} == listed
    reader = f"Token {make_token(services, 'oleg', 'read')}"
    assert call("GET", "/Clients/2/history", authorization=reader).json["results"][0]["status"] == "queued"


def test_a_client_keeps_the_text_that_it_got_when_the_text_of_the_mailing_changes(
    call: Call, mailing: dict[str, object], services: Services
) -> None:
    for text in ("second", "third"):
        assert call("PATCH", "/Mailing/1", json={"message_text": text}).status == 200
    assert call("GET", "/Clients/1/history/").json["results"][0]["message_text"] == "text"
    assert call("GET", "/Clients/2/history/").json["results"][0]["message_text"] == "third", "it waits"
    report = call("GET", "/Clients/1/consent_report").text
    assert "third" not in report


def test_a_text_that_was_changed_too_often_is_refused_with_what_to_do(
    call: Call, mailing: dict[str, object], services: Services
) -> None:
    for number in range(MAX_FORMER_TEXTS):
        assert call("PATCH", "/Mailing/1", json={"message_text": f"text {number}"}).status == 200
    refused = call("PATCH", "/Mailing/1", json={"message_text": "one more"})
    assert (refused.status, list(refused.json)) == (400, ["message_text"])
    assert "copy the mailing" in str(refused.json)
    assert call("PATCH", "/Mailing/1", json={"message_text": f"text {MAX_FORMER_TEXTS - 1}"}).status == 200, "unchanged"


def test_a_client_that_no_mailing_reached_has_an_empty_history(call: Call, mailing: dict[str, object]) -> None:
    later = call("POST", "/Clients", json={"phone_number": "79770000009"}).json
    assert call("GET", f"/Clients/{later['id']}/history").json == {"next": None, "results": []}


def test_the_history_of_an_unknown_or_deleted_client_is_not_found(call: Call, mailing: dict[str, object]) -> None:
    call("DELETE", "/Clients/1")
    assert [call("GET", f"/Clients/{name}/history").status for name in ("1", "77", "x")] == [404] * 3
    assert call("POST", "/Clients/2/history").status == 405
