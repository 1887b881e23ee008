"""The approval of mailings to many clients, over HTTP and in the console."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.clients.segments import with_current_segment
from chalicelib.delivery.approvals import must_be_counted
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.mailings.lifecycle import change_mailing
from tests.cheap_user import put_user

from .conftest import Answer, Call
from .test_console import DUE, MAILING, Browser, _hidden, anna, anonymous, edit, launch_due, new_form

__all__ = ["anna", "anonymous"]

NOW = {**MAILING, "datetime_start": "2020-01-01T00:00:00Z"}
API = {name: value for name, value in NOW.items() if name != "step"}


@pytest.fixture
def many(services: Services, call: Call) -> Services:
    """Two clients, of whom one more than allowed."""
    services.settings = replace(services.settings, approval_above=1)
    for number in range(2):
        call("POST", "/Clients", json={"phone_number": f"7977000000{number}"})
    return services


def fan_out(services: Services) -> None:
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)


def approver(services: Services, call: Call) -> Any:
    token = make_token(services, "vera", "approver")

    def as_approver(method: str, path: str, etag: str | None = None, **more: Any) -> Answer:
        headers = {"If-Match": etag} if etag is not None else {}
        return call(method, path, authorization=f"Token {token}", more=headers, **more)

    return as_approver


def test_a_mailing_to_many_is_held_until_an_approver_has_read_and_approved_it(many: Services, call: Call) -> None:
    assert call("POST", "/Mailing", form=API).json["approved_by"] is None
    fan_out(many)
    held = call("GET", "/Mailing/1").json
    assert (held["status"], held["paused_because"]) == ("paused", "It waits for the approval of a second person.")
    assert call("POST", "/Mailing/1/resume").status == 409
    refused = call("POST", "/Mailing/1/approve")
    assert (refused.status, "another role" in refused.text) == (403, True), "an admin has no right to approve"
    vera = approver(many, call)
    assert vera("POST", "/Mailing/1/approve").status == 428
    assert vera("POST", "/Mailing/1/approve", '"stale"').status == 412
    read = vera("GET", "/Mailing/1")
    approved = vera("POST", "/Mailing/1/approve", read.headers["ETag"])
    assert (approved.status, approved.json["status"], approved.json["approved_by"]) == (200, "running", "vera")
    assert [record["who"] for record in call("GET", "/Audit").json["results"] if record["action"] == "approved"] == [
        "vera"
    ]
    changed = call("PATCH", "/Mailing/1", form={"message_text": "other"}).json
    assert (changed["status"], changed["approved_by"]) == ("paused", None)


def test_an_approver_reads_everything_and_writes_nothing(many: Services, call: Call) -> None:
    call("POST", "/Mailing", form=API)
    vera = approver(many, call)
    for path in ("/Mailing", "/Clients", "/Audit", "/Stats"):
        assert vera("GET", path).status == 200
    assert vera("POST", "/Mailing", form=API).status == 403
    assert vera("PATCH", "/Mailing/1", form={"message_text": "x"}).status == 403
    assert vera("POST", "/Mailing/1/cancel").status == 403
    assert vera("POST", "/Mailing/7/approve", '"x"').status == 404


def test_an_announcement_and_a_preview_of_a_mailing_that_will_need_an_approval_say_so(
    call: Call, many: Services
) -> None:
    warning = ["It reaches more than 1 client: it is sent only after the approval of a second person."]
    later = {**API, "datetime_start": "2040-01-01", "datetime_end": "2040-01-02"}
    call("POST", "/Clients", json={"phone_number": "79770000009", "tag": "one"})
    for path in ("/Mailing", "/Mailing/preview"):
        assert call("POST", path, form=later).json["warnings"] == warning
        assert "warnings" not in call("POST", path, form={**later, "filter_tag": "one"}).json
    condition = '{"not": {"field": "tag", "is": "one"}}'
    assert call("PATCH", "/Mailing/1", form={"filter": condition}).json["warnings"] == warning
    assert "warnings" not in call("PATCH", "/Mailing/1", form={"message_text": "no filter"}).json
    many.settings = replace(many.settings, approval_above=0)
    assert "warnings" not in call("POST", "/Mailing", form=later).json


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ("Recipients as of now", "Cost of the texts", "First message", "Local hours", "Dear Ann")),
        (
            "ru",
            ("Получателей на данный момент", "Стоимость сообщений", "Первое сообщение", "Часы отправки", "Dear Ann"),
        ),
    ],
)
def test_an_approval_before_the_start_and_the_check_name_count_cost_hours_and_text(
    anna: Browser, many: Services, language: str, told: tuple[str, ...]
) -> None:
    many.settings = replace(many.settings, gateway_price=3_500_000, gateway_currency="RUB")
    anna.post("/console/clients/new", phone_number="79771234567", timezone="UTC", attributes="name=Ann", tag="named")
    fields = {
        **MAILING,
        "message_text": "Dear {name|friend}",
        "time_from": "09:00",
        "time_to": "20:00",
        "step": "check",
    }
    anna.headers["Accept-Language"] = language
    draft = new_form(anna, **fields, filter_tag_typed="named").headers["Location"]
    check = anna.get(draft).text
    anna.post(draft.replace("check", "launch"), version=_hidden(check, "version"))
    put_user(many, "vera", "approver")
    anna.sign_in("vera")
    asked = anna.get("/console/mailings/1").text.partition('action="/console/mailings/1/approve"')[2]
    for page in (check, asked.partition("</form>")[0]):
        for part in (*told, "09:00–20:00", "RUB"):
            assert part in page, part


def test_a_mailing_that_waits_for_nothing_is_not_approved(call: Call, services: Services) -> None:
    call("POST", "/Mailing", form=API)
    vera = approver(services, call)
    read = vera("GET", "/Mailing/1").headers["ETag"]
    assert vera("POST", "/Mailing/1/approve", read).status == 409, "the setting is off"
    start_mailing(services, 1)
    etag = vera("GET", "/Mailing/1").headers["ETag"]
    assert vera("POST", "/Mailing/1/approve", etag).status == 409


def test_the_console_says_that_an_approval_is_needed_and_lets_an_approver_give_it(
    anna: Browser, many: Services
) -> None:
    put_user(many, "vera", "approver")
    draft = new_form(anna, **{**NOW, "step": "check"}).headers["Location"]
    assert "more than 1 client: it is sent only after the approval of a second person" in anna.get(draft).text
    anna.post(draft.replace("check", "launch"), version=_hidden(anna.get(draft).text, "version"))
    change_mailing(many, 1, DUE)
    page = anna.get("/console/mailings/1").text
    assert "only after the approval of a second person" in page
    assert "/approve" not in page
    assert anna.post("/console/mailings/1/approve", version="x").status == 403
    fan_out(many)
    anna.sign_in("vera")
    page = anna.get("/console/mailings/1").text
    asked = page.partition("What you approve")[2].partition("</dl>")[0]
    assert "<dd><b>2</b></dd>" in asked, "the clients that were counted at the start"
    for told in ("Cost of the texts", "First message</dt><dd>after the approval", "Nothing is sent after", "hello"):
        assert told in asked
    assert "It waits for the approval of a second person." in page
    stale = anna.post("/console/mailings/1/approve", version="x")
    assert "Not approved" in anna.get(stale.headers["Location"]).text
    assert many.mailings.get(1).status == "paused"  # type: ignore[union-attr]
    assert anna.post("/console/mailings/1/cancel").status == 403
    assert anna.get("/console/mailings/new").status == 403
    done = anna.post("/console/mailings/1/approve", version=_hidden(page, "version"))
    page = anna.get(done.headers["Location"]).text
    assert "Mailing approved." in page
    assert "Approved by vera" in page
    assert many.mailings.get(1).status == "running"  # type: ignore[union-attr]
    anna.sign_in("anna")
    edit(anna, "/console/mailings/1/edit", **{**NOW, "message_text": "other"})
    assert many.mailings.get(1).status == "paused"  # type: ignore[union-attr]


def test_nobody_approves_what_oneself_has_written(anna: Browser, many: Services) -> None:
    launch_due(anna, many, **MAILING)
    fan_out(many)
    many.users.remove(many.users.find("anna"))  # type: ignore[arg-type]
    put_user(many, "anna", "approver")
    anna.sign_in("anna")
    page = anna.get("/console/mailings/1").text
    assert "/approve" not in page
    refused = anna.post("/console/mailings/1/approve", version=_hidden(page, "approved"))
    assert refused.status in (303, 403)
    assert many.mailings.get(1).status == "paused"  # type: ignore[union-attr]


VIP, ALL = {"field": "tag", "is": "vip"}, {"field": "timezone", "is": "UTC"}


def scheduled_with_segment(services: Services, call: Call) -> None:
    """A mailing to a segment of nobody, which is changed to everyone after the announcement."""
    put_user(services, "vera", "approver")
    call("POST", "/Segments", json={"name": "Gold", "filter": VIP})
    call("POST", "/Mailing", json={**API, "datetime_start": "2040-01-01T10:00:00Z", "segment": 1})
    call("PATCH", "/Segments/1", json={"filter": ALL})


def test_an_approver_sees_and_approves_the_segment_as_it_is_now(anna: Browser, many: Services, call: Call) -> None:
    scheduled_with_segment(many, call)
    anna.sign_in("vera")
    page = anna.get("/console/mailings/1").text
    assert "<dd><b>2</b></dd>" in page.partition("What you approve")[2].partition("</dl>")[0]
    assert "the time zone is “UTC”" in page
    seen = {name: _hidden(page, name) for name in ("version", "segment")}
    assert anna.post("/console/mailings/1/approve", **seen).headers["Location"].endswith("done=approve")
    mailing = many.mailings.get(1)
    assert mailing is not None
    assert must_be_counted(many, mailing, with_current_segment(many, mailing.chosen)) is False, "it starts at its time"


def test_a_segment_that_changes_after_the_approval_is_approved_anew(anna: Browser, many: Services, call: Call) -> None:
    scheduled_with_segment(many, call)
    anna.sign_in("vera")

    def approve() -> str:
        page = anna.get("/console/mailings/1").text
        assert "Approved by" not in page
        seen = {name: _hidden(page, name) for name in ("version", "segment")}
        return anna.get(anna.post("/console/mailings/1/approve", **seen).headers["Location"]).text

    assert "Approved by vera" in approve()
    call("PATCH", "/Segments/1", json={"filter": {"not": VIP}})
    assert "Approved by vera" in approve()
    mailing = many.mailings.get(1)
    assert mailing is not None
    assert must_be_counted(many, mailing, with_current_segment(many, mailing.chosen)) is False


def test_a_segment_that_changes_before_the_approval_is_sent_is_shown_first(
    anna: Browser, many: Services, call: Call
) -> None:
    scheduled_with_segment(many, call)
    anna.sign_in("vera")
    page = anna.get("/console/mailings/1").text
    call("PATCH", "/Segments/1", json={"filter": VIP})
    seen = {name: _hidden(page, name) for name in ("version", "segment")}
    stale = anna.post("/console/mailings/1/approve", **seen)
    assert "Not approved: the mailing has changed" in anna.get(stale.headers["Location"]).text
    assert call("GET", "/Mailing/1").json["approved_by"] is None


def test_the_russian_audit_log_names_an_approval_and_the_resumption_by_the_service(
    anna: Browser, many: Services, call: Call
) -> None:
    call("POST", "/Mailing", form=API)
    fan_out(many)
    vera = approver(many, call)
    vera("POST", "/Mailing/1/approve", vera("GET", "/Mailing/1").headers["ETag"])
    call("POST", "/Mailing", form={**API, "filter_tag": "nobody"})
    start_mailing(many, 2)
    walk_slice(many, 2, 0, lambda: 60.0)
    call("POST", "/StopList", json={"phone_number": "79770000009"})
    anna.headers["Accept-Language"] = "ru"
    audit = anna.get("/console/audit").text
    for told in ("<small>Кто одобрил:</small> vera", "рассылка 2: возобновление", "<small>Источник:</small> программа"):
        assert told in audit
    for english in ("Approved by", "running", "<small>Источник:</small> api"):
        assert english not in audit
    anna.headers["Accept-Language"] = "en"
    assert "mailing 2: resumed" in anna.get("/console/audit").text
