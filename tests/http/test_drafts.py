"""Drafts in the console: what is typed is kept, checked, and launched once, as it was checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.console import mailing_form
from chalicelib.delivery.fanout import start_mailing
from chalicelib.domain.audit_record import day_of
from chalicelib.domain.condition import Leaf
from chalicelib.mailings.lifecycle import get_mailing
from chalicelib.mailings.preview import SAMPLE
from chalicelib.mailings.segments import make_segment
from infra.local.doubles.fake_clock import FakeClock
from tests.cheap_user import put_user

from .conftest import Answer, Call
from .test_console import (
    MAILING,
    SCRIPT,
    Browser,
    _hidden,
    _without_token,
    anna,
    anonymous,
    edit,
    launch,
    launch_checked,
    new_form,
    open_new_form,
)

__all__ = ["anna", "anonymous"]

TYPED = {name: value for name, value in MAILING.items() if name != "step"}
NOW = {**MAILING, "datetime_start": "2020-01-01T00:00:00Z"}


def add_clients(browser: Browser, number: int, timezone: str = "UTC") -> None:
    for one in range(number):
        browser.post("/console/clients/new", phone_number=f"7977{one:07d}", timezone=timezone)


def checked(browser: Browser, **fields: Any) -> str:
    """The page of the check of a new draft."""
    draft = open_new_form(browser)
    answer = browser.post(draft, **{**MAILING, **fields, "step": "check"})
    assert answer.status == 303, answer.text
    return browser.get(answer.headers["Location"]).text


def seen(browser: Browser, draft: str) -> dict[str, str]:
    """What a page of the draft submits of itself."""
    page = browser.get(draft).text
    return {name: _hidden(page, name) for name in ("version", "page")}


def button(page: str) -> str:
    found = re.search(r'<button class="primary">(.*?)</button>', page, re.DOTALL)
    assert found is not None
    return unescape(re.sub(r"<[^>]+>", "", found[1])).replace("\n", " ").strip()


@pytest.mark.parametrize("timezone", ["Asia/Kamchatka", "America/Los_Angeles"])
@pytest.mark.parametrize("start", ["9999-11-29T23:00:00", "9999-12-31T22:00:00"])
@pytest.mark.parametrize("end", ["9999-12-31T23:59:59", ""])
def test_a_mailing_at_the_end_of_the_calendar_can_be_checked(
    anna: Browser, start: str, end: str, timezone: str
) -> None:
    add_clients(anna, 2, timezone)
    assert button(checked(anna, datetime_start=start, datetime_end=end)).startswith("Schedule for")


def test_what_is_typed_is_kept_without_being_valid_and_after_the_session_has_ended(anna: Browser) -> None:
    draft = open_new_form(anna)
    typed = {"message_text": "half a", "datetime_end": "tomorrow", "canary": "x", "filter_tag_typed": "vip,"}
    where = {"where_joined": "any", "where_0_field": "tag", "where_0_operator": "is", "where_0_value": "gold"}
    kept = anna.post(draft, **typed, **where, step="keep", live="1")
    assert kept.status == 200
    assert "Saved in draft 1" in kept.text
    assert len(kept.text) < 1000
    anna.post("/console/sign-out")
    assert anna.get(draft).status == 303
    anna.sign_in("anna")
    page = anna.get(draft).text
    for text in (
        "half a</textarea>",
        'value="tomorrow"',
        'inputmode="numeric" value="x"',
        'value="gold"',
    ):
        assert text in page
    assert '<option value="any" selected>' in page


def test_the_buttons_save_a_draft_without_a_script(anna: Browser) -> None:
    draft = open_new_form(anna)
    answer = anna.post(draft, message_text="kept", step="keep")
    assert answer.headers["Location"] == f"{draft}?done=saved"
    assert "kept</textarea>" in anna.get(draft).text
    for step in ("rows", "preview", "test", "check"):
        anna.post(draft, message_text=f"by {step}", step=step, **seen(anna, draft))
        assert f"by {step}</textarea>" in anna.get(draft).text


def test_the_number_of_a_test_message_is_never_stored(anna: Browser, services: Services) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **{**MAILING, "step": "test"}, test_phone="79770000001", other="79770000001")
    stored = services.drafts.get(1, services.clock.now())
    assert stored is not None
    assert "7977" not in str(stored.form)
    assert "csrf" not in stored.form


def test_a_stale_tab_is_refused_with_what_the_other_has_changed_and_keeps_what_was_typed(anna: Browser) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **TYPED, step="keep")
    first, second = (seen(anna, draft) for _ in range(2))
    assert anna.post(draft, **{**TYPED, "message_text": SCRIPT}, **first, step="keep", live="1").status == 200
    mine = {**TYPED, "message_text": "mine"}
    refused = anna.post(draft, **mine, **second, step="keep", live="1")
    assert refused.status == 409
    note = refused.text.partition('role="alert"')[2].partition("</div>")[0]
    assert re.findall(r"<dt>(.*?)</dt>", note) == ["Text"]
    assert "&lt;script&gt;" in note
    assert "mine</textarea>" in refused.text
    again = {"version": _hidden(refused.text, "version"), "page": _hidden(refused.text, "page")}
    assert anna.post(draft, **{**mine, **again}, step="keep", live="1").status == 200
    assert "mine</textarea>" in anna.get(draft).text


def test_a_save_that_a_later_one_of_its_page_has_overtaken_changes_nothing(anna: Browser) -> None:
    """A page that is left saves at once, while an earlier save is still under way."""
    draft = open_new_form(anna)
    page = seen(anna, draft)
    for turn, text in ((1, "half"), (3, "all of it"), (2, "half of it")):
        form = {**TYPED, "message_text": text, **page, "turn": str(turn)}
        assert anna.post(draft, **form, step="keep", live="1").status == 200
    assert "all of it</textarea>" in anna.get(draft).text
    again = {**TYPED, "message_text": "in a new tab", **seen(anna, draft)}
    assert anna.post(draft, **again, turn="x", step="keep", live="1").status == 200
    assert "in a new tab</textarea>" in anna.get(draft).text


def test_a_page_is_never_stale_for_itself(anna: Browser) -> None:
    """It saves while one types; a save that was under way is not the change of another."""
    draft = open_new_form(anna)
    page = seen(anna, draft)
    for text in ("h", "he", "hel"):
        assert anna.post(draft, **{**TYPED, "message_text": text}, **page, step="keep", live="1").status == 200
    assert anna.post(draft, **{**TYPED, "message_text": "hello"}, **page, step="check").status == 303


def test_a_draft_is_one_for_all_users_and_names_who_began_it(anna: Browser, services: Services) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **TYPED, step="keep")
    put_user(services, "clara", "admin")
    anna.sign_in("clara")
    assert "hello</textarea>" in anna.get(draft).text
    for path in ("/console/drafts", "/console/mailings"):
        shown = anna.get(path).text
        assert f'href="{draft}"' in shown
        assert "anna" in shown
    assert launch(anna, draft, **MAILING).headers["Location"] == "/console/mailings/1?done=launched"
    anna.sign_in("anna")
    assert "it has created mailing 1" in anna.get(draft).text
    assert "No drafts." in anna.get("/console/drafts").text, "a launched draft is in the list no more"


def test_a_reader_reads_drafts_and_is_offered_no_form(anonymous: Browser, services: Services) -> None:
    anonymous.sign_in("anna")
    draft = open_new_form(anonymous)
    anonymous.post(draft, **TYPED, step="keep")
    anonymous.sign_in("boris")
    assert anonymous.get("/console/mailings/new").status == 403
    assert "Send now" not in anonymous.get(f"{draft}/check").text
    assert anonymous.get(f"{draft}/check").status == 200
    for step in ("", "/launch", "/delete", "/copy", "/test"):
        assert anonymous.post(f"{draft}{step}", **TYPED).status == 403
    assert services.mailings.get(1) is None


def test_unknown_drafts_and_steps_are_not_found(anna: Browser) -> None:
    for path in ("1", "0", "x", "1/check", "1/fly"):
        assert anna.get(f"/console/drafts/{path}").status == 404
        assert anna.post(f"/console/drafts/{path}", **TYPED).status in (404, 405)
    draft = open_new_form(anna)
    assert anna.get(draft).status == 200
    for step in ("check", "delete"):
        assert anna.get(f"{draft}/{step}").status == 404, "nothing is saved yet"


def test_a_draft_is_deleted_after_a_question(anna: Browser) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **TYPED, step="keep")
    assert "Delete this draft?" in anna.get(f"{draft}/delete").text
    assert anna.post(f"{draft}/delete").headers["Location"] == "/console/drafts?done=deleted"
    assert "hello" not in anna.get("/console/drafts").text
    assert "hello" not in anna.get(draft).text


def test_a_draft_expires_thirty_days_after_its_last_change(anna: Browser, services: Services) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **TYPED, step="keep")
    services.clock = FakeClock(services.clock.now() + timedelta(days=29))  # type: ignore[misc, assignment]
    anna.sign_in("anna")
    assert "hello</textarea>" in anna.get(draft).text
    services.clock = FakeClock(services.clock.now() + timedelta(days=2))  # type: ignore[misc, assignment]
    anna.sign_in("anna")
    assert "hello" not in anna.get(draft).text
    assert "hello" not in anna.get("/console/drafts").text
    assert anna.post(draft, **{**TYPED, "message_text": "again"}, step="keep").status == 303
    assert "again</textarea>" in anna.get(draft).text


def test_a_draft_launched_twice_announces_one_mailing(anna: Browser) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **MAILING)
    version = _hidden(anna.get(f"{draft}/check").text, "version")
    answers = [anna.post(f"{draft}/launch", version=version) for _ in range(2)]
    assert {answer.headers["Location"] for answer in answers} == {"/console/mailings/1?done=launched"}
    assert anna.get("/console/mailings/2").status == 404
    anna.post("/console/mailings/1/delete")
    assert anna.post(f"{draft}/launch", version=version).status == 303
    assert anna.get("/console/mailings/1").status == 404, "a deleted mailing is not restored"
    assert launch(anna, **MAILING).headers["Location"] == "/console/mailings/2?done=launched"


def test_two_launches_at_once_announce_one_mailing(anna: Browser, services: Services) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **MAILING)
    version = _hidden(anna.get(f"{draft}/check").text, "version")
    first: list[Answer] = []
    overtaken: Any = Overtaken(services, lambda: first.append(anna.post(f"{draft}/launch", version=version)))
    services.mailings = overtaken  # type: ignore[misc]
    late = anna.post(f"{draft}/launch", version=version)
    assert late.headers["Location"] == first[0].headers["Location"]
    assert len(services.mailings.get_many([1, 2, 3])) == 1


class Overtaken:
    """A table of mailings in which another request comes right before the first launch."""

    def __init__(self, services: Services, act: Callable[[], Any]) -> None:
        self.mailings = services.mailings
        self.acts = [act]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.mailings, name)

    def add(self, *launched: Any) -> Any:
        if self.acts:
            self.acts.pop()()
        return self.mailings.add(*launched)


def test_the_page_of_a_launched_draft_has_no_form_but_links(anna: Browser) -> None:
    draft = open_new_form(anna)
    launch(anna, draft, **MAILING)
    back = anna.get(draft).text
    assert "it has created mailing 1" in back
    for link in ('href="/console/mailings/1"', 'href="/console/mailings/new"'):
        assert link in back
    assert "message_text" not in back, "the browser would restore its text, and a second mailing would be scheduled"
    assert anna.get(f"{draft}/check").headers["Location"] == draft
    anna.post("/console/mailings/1/delete")
    assert "has been deleted since" in anna.get(draft).text
    copied = anna.post(f"{draft}/copy").headers["Location"]
    assert "hello</textarea>" in anna.get(copied).text


@pytest.mark.parametrize(
    "change",
    [
        {"message_text": "another"},
        {"datetime_end": "2040-01-01T13:00:00Z"},
        {"filter_tag": ["vip"]},
        {"rate_limit": "2"},
        {"canary": "5"},
        {"time_from": "09:00", "time_to": "21:00"},
    ],
)
def test_a_launched_draft_is_not_changed_and_what_was_typed_becomes_a_new_draft(
    anna: Browser, change: dict[str, Any]
) -> None:
    draft = open_new_form(anna)
    launch(anna, draft, **MAILING)
    before = _without_token(anna.get("/console/mailings/1").text)
    refused = anna.post(draft, **{**MAILING, "message_text": "typed", **change})
    assert refused.status == 422
    assert "this draft has already created mailing 1, with other values" in refused.text
    assert change.get("message_text", "typed") in refused.text
    assert 'href="/console/mailings/1/edit"' in refused.text
    assert _without_token(anna.get("/console/mailings/1").text) == before
    assert anna.get("/console/mailings/2").status == 404
    another = re.search(r'action="(/console/drafts/\d+)" data-preview', refused.text)
    assert another is not None
    assert another[1] != draft
    saved = launch(anna, another[1], **{**MAILING, **change})
    assert saved.headers["Location"] == "/console/mailings/2?done=launched", "on purpose, and once"


def test_a_draft_that_was_refused_for_its_fields_can_be_corrected(anna: Browser) -> None:
    draft = open_new_form(anna)
    for wrong in ({"datetime_end": "2040-01-01T09:00:00Z"}, {"message_text": "{nickname}"}):
        refused = anna.post(draft, **{**MAILING, **wrong}, **seen(anna, draft))
        assert refused.status == 400
        assert anna.get(f"{draft}/check").status == 400, "the address of the check shows what is wrong too"
    assert launch(anna, draft, **MAILING).headers["Location"] == "/console/mailings/1?done=launched"


def test_only_what_was_checked_is_launched(anna: Browser) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **MAILING)
    version = _hidden(anna.get(f"{draft}/check").text, "version")
    anna.post(draft, **{**MAILING, "message_text": "by another"}, **seen(anna, draft))
    refused = anna.post(f"{draft}/launch", version=version)
    assert refused.status == 409
    assert "the draft has changed since it was checked" in refused.text
    assert "by another" in refused.text
    assert anna.get("/console/mailings/1").status == 404
    again = anna.post(f"{draft}/launch", version=_hidden(refused.text, "version"))
    assert "by another" in anna.get(again.headers["Location"]).text
    late = anna.post(f"{draft}/launch", version=version)
    assert late.headers["Location"] == draft, "another version was launched"
    for wrong in ("", "x", SCRIPT):
        assert anna.post(f"{draft}/launch", version=wrong).headers["Location"] == draft


def test_a_launch_that_has_become_too_late_is_refused(anna: Browser, services: Services) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **MAILING)
    version = _hidden(anna.get(f"{draft}/check").text, "version")
    stored = services.drafts.get(1, services.clock.now())
    assert stored is not None
    ended = {**stored.form, "datetime_start": ["2020-01-01"], "datetime_end": ["2020-01-02"]}
    services.drafts.change(stored, replace(stored, form=ended))
    refused = anna.post(f"{draft}/launch", version=str(int(version) + 1))
    assert refused.status == 400
    assert "The end is in the past" in refused.text
    assert services.mailings.get(1) is None


def test_the_check_says_to_whom_what_and_when(anna: Browser, services: Services) -> None:
    services.settings = replace(services.settings, gateway_price=2_500_000, gateway_currency="RUB")
    add_clients(anna, 3)
    page = checked(anna, message_text="я" * 71, rate_limit="1", filter_op_codes="977")
    assert '<b id="recipients">3</b>' in page
    assert "<dt>SMS parts</dt><dd><b>2</b> · in all 6</dd>" in page
    assert '<b id="cost-of-texts">15.00 RUB</b>' in page
    assert "Estimated AWS cost" in page
    assert re.search(r"<dt>First message</dt><dd>\s*<time[^>]*>Jan 1, 2040, 10:00 AM UTC", page)
    assert "Jan 1, 2040, 12:00 PM UTC" in page
    assert button(page) == "Schedule for Jan 1, 2040, 10:00 AM UTC"
    assert "note warning" not in page
    assert services.mailings.get(1) is None


def test_the_button_of_the_check_names_the_act_and_the_number_in_the_language_of_the_user(anna: Browser) -> None:
    add_clients(anna, 2)
    assert button(checked(anna, **NOW)) == "Send now to 2 clients"
    anna.headers["Accept-Language"] = "ru"
    assert button(checked(anna, **NOW)) == "Отправить сейчас 2 клиентам"
    assert button(checked(anna)).startswith("Запланировать на")


def test_the_check_warns_of_everyone_of_a_long_text_and_of_the_night(anna: Browser) -> None:
    add_clients(anna, 1, "Asia/Vladivostok")
    long = checked(anna, message_text="ю" * 67 * 23)
    for text in (
        "this goes to all clients",
        "takes 23 SMS parts, more than 3",
        "it is night",
    ):
        assert (text in long) == (text != "it is night")
    night = {"datetime_start": "2040-01-01T12:00:00Z", "datetime_end": "2040-01-02"}
    told = "it is night for all 1 client: 22:00 (UTC+10:00)"
    assert told in checked(anna, **night)
    assert told in anna.post("/console/preview", **{**MAILING, **night}).text
    waits = {"datetime_start": "2040-01-01T12:00:00Z", "datetime_end": "2040-01-03", "time_from": "09:00"}
    assert "night" not in checked(anna, **waits, time_to="20:00")
    assert "include the night" in checked(anna, **waits, time_to="23:00")


def test_the_preview_the_check_and_the_page_of_a_mailing_name_a_malformed_placeholder(anna: Browser) -> None:
    add_clients(anna, 1)
    text, told = "Hello, {tag }!", "sent as it is written: &#34;{tag }&#34;"
    assert told in anna.post("/console/preview", message_text=text, filter_tag="x").text
    assert told in checked(anna, message_text=text)
    assert "sent as it is written" not in checked(anna, message_text="Hello, {tag}!")
    launch(anna, **{**MAILING, "message_text": text})
    assert told in anna.get("/console/mailings/1").text


def test_the_preview_and_the_check_say_how_many_clients_lack_the_value_of_a_placeholder(anna: Browser) -> None:
    for number, own in enumerate(["имя=Аня", "", ""]):
        anna.post("/console/clients/new", phone_number=f"7977000000{number}", timezone="UTC", attributes=own)
    text, told = "Здравствуйте, {имя}!", "Of 3 clients, 2 have no “имя”: their text has nothing in its place."
    assert told in anna.post("/console/preview", message_text=text).text
    assert told in checked(anna, message_text=text)
    assert "nothing in its place" not in checked(anna, message_text="Здравствуйте, {имя|друг}!")


RUSSIAN = {"Europe/Moscow": 2, "Asia/Vladivostok": 3}
AT_TEN = {"time_from": "10:00", "time_to": "11:00", "datetime_end": "2040-01-09T00:00:00Z"}


@pytest.fixture
def russian_clients(anna: Browser) -> None:
    for place, zone in enumerate(RUSSIAN):
        for one in range(RUSSIAN[zone]):
            anna.post("/console/clients/new", phone_number=f"79{place}7{one:07d}", timezone=zone)


def plain(page: str) -> str:
    """The text of a page, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.usefixtures("russian_clients")
@pytest.mark.parametrize(
    ("zone", "start", "late", "advised"),
    [
        ("UTC", "2040-01-02T10:00:00Z", "all 5 clients", "Jan 2, 2040, 12:00 AM UTC"),
        ("Europe/Moscow", "2040-01-02T07:00:00Z", "3 of 5 clients", "Jan 2, 2040, 12:00 AM UTC"),
        ("", "2040-01-02T10:00:00Z", "all 5 clients", "Jan 2, 2040, 12:00 AM UTC"),
    ],
)
def test_the_check_and_the_preview_warn_of_local_hours_that_send_on_a_later_day_and_name_the_start_that_does_not(
    anna: Browser, zone: str, start: str, late: str, advised: str
) -> None:
    anna.cookie += f"; zone={zone}"
    fields = {**AT_TEN, "datetime_start": start}
    told = f"Because of the local hours, {late} get their message after Jan 2, 2040, by their own clocks."
    advice = f"To reach all of them on this day, set the start to {advised} ."
    for page in (checked(anna, **fields), anna.post("/console/preview", **{**MAILING, **fields}).text):
        assert f"{told} {advice}" in plain(page)
    moved = {**AT_TEN, "datetime_start": "2040-01-02T00:00:00Z"}
    assert "Because of the local hours" not in checked(anna, **moved)


@pytest.mark.usefixtures("russian_clients")
def test_the_check_and_the_preview_say_when_the_first_message_goes_by_each_clock(anna: Browser) -> None:
    fields = {**AT_TEN, "datetime_start": "2040-01-02T07:00:00Z"}
    page = plain(checked(anna, **fields))
    assert "UTC+10:00 3 Jan 3, 2040, 10:00 AM Jan 3, 2040, 12:00 AM UTC" in page
    assert "UTC+03:00 2 Jan 2, 2040, 10:00 AM Jan 2, 2040, 7:00 AM UTC" in page
    beside = plain(anna.post("/console/preview", **{**MAILING, **fields}).text)
    assert "UTC+10:00 · 3 clients · Jan 3, 2040, 10:00 AM their time ( Jan 3, 2040, 12:00 AM UTC yours)" in beside
    short = {**fields, "datetime_end": "2040-01-02T12:00:00Z"}
    assert "UTC+10:00 3 none before the end —" in plain(checked(anna, **short))
    assert "First messages by time zone" in page
    assert "First messages by time zone" not in plain(checked(anna, filter_op_codes="999")), "nobody is reached"


@pytest.mark.usefixtures("russian_clients")
def test_the_button_of_the_check_names_the_first_message_if_it_goes_later_than_the_start(
    anna: Browser, services: Services
) -> None:
    part = {**AT_TEN, "datetime_start": "2040-01-02T06:00:00Z"}  # it is nine in Moscow; in Vladivostok ten is over
    start, first = "Jan 2, 2040, 6:00 AM UTC", "Jan 2, 2040, 7:00 AM UTC"
    assert button(checked(anna, **part)) == f"Schedule for {start}, first message {first}"
    series = {**part, "datetime_end": "2040-01-03T04:00:00Z", "repeat_kind": "daily", "timezone": "UTC"}
    assert button(checked(anna, **series)).startswith(f"Start the series: first mailing {start}, first message {first}")
    in_four_hours = services.clock.now() + timedelta(hours=3 + 4)  # in Moscow; in Vladivostok it was three hours ago
    closed = {"time_from": f"{in_four_hours:%H}:00", "time_to": f"{in_four_hours:%H}:01"}
    closed |= {"datetime_start": "", "datetime_end": ""}
    page = checked(anna, **closed)
    assert button(page).startswith("Launch now, first message ")
    assert "its messages wait for the local hours" in page
    anna.headers["Accept-Language"] = "ru"
    assert "первое сообщение 2 янв. 2040 г., 07:00 UTC" in button(checked(anna, **part)).replace("\u00a0", " ")


@pytest.mark.usefixtures("russian_clients")
def test_the_button_of_the_check_names_the_time_by_the_clients_clocks_if_it_is_one_for_all(
    anna: Browser, services: Services
) -> None:
    """Three in the morning in Moscow, where ten begins in Vladivostok, reads as a mistake."""
    ten = "Jan 2, 2040, 10:00 AM by the clients' clocks"
    page = checked(anna, **AT_TEN, datetime_start="2040-01-02T00:00:00Z")
    assert button(page) == f"Schedule for {ten}"
    assert "First message Jan 2, 2040, 12:00 AM UTC" in plain(page)
    page = checked(anna, **AT_TEN, datetime_start="2040-01-01T20:00:00Z")
    assert button(page) == f"Schedule for {ten}"
    assert "Start Jan 1, 2040, 8:00 PM UTC First message Jan 2, 2040, 12:00 AM UTC" in plain(page)
    daily = {"datetime_end": "2040-01-02T18:00:00Z", "repeat_kind": "daily", "timezone": "UTC"}
    page = checked(anna, **{**AT_TEN, **daily}, datetime_start="2040-01-01T20:00:00Z")
    assert button(page) == f"Start the series: first mailing {ten}"
    assert "10:00 AM UTC" in button(checked(anna, datetime_start="2040-01-02T10:00:00Z", datetime_end="2040-01-03"))
    in_an_hour = services.clock.now() + timedelta(hours=10 + 1)  # in Vladivostok
    soon = {"time_from": f"{in_an_hour:%H}:00", "time_to": f"{in_an_hour:%H}:59"}
    page = checked(anna, **soon, datetime_start="", datetime_end="")
    assert re.fullmatch(r"Launch now, first message .*:00 [AP]M by the clients' clocks", button(page))
    anna.headers["Accept-Language"] = "ru"
    shown = button(checked(anna, **AT_TEN, datetime_start="2040-01-02T00:00:00Z")).replace("\u00a0", " ")
    assert shown == "Запланировать на 2 янв. 2040 г., 10:00 по местному времени клиентов"


def test_a_text_of_many_parts_is_in_no_green_box(anna: Browser) -> None:
    add_clients(anna, 1)
    for length, is_warned in ((67 * 3, False), (67 * 3 + 1, True)):
        page = anna.post("/console/preview", message_text="ю" * length, filter_tag="x").text
        assert ('<p class="note warning">\nRecipients' in page) == is_warned
        assert ("SMS parts, more than 3" in page) == is_warned


def test_the_check_shows_three_texts_as_they_will_be_sent(anna: Browser) -> None:
    for number, name in enumerate(["Я", "Анна", "Константин", "Пётр"]):
        phone = f"7977000000{number}"
        anna.post("/console/clients/new", phone_number=phone, timezone="UTC", attributes=f"имя={name}")
    page = checked(anna, message_text="Привет, {имя}")
    assert [name in page for name in ("Привет, Я", "Привет, Константин", "79770000000")] == [True, True, False]
    assert page.count("<blockquote") == 3


def test_the_test_message_of_the_check_shows_its_result_beside_its_button(anna: Browser, services: Services) -> None:
    gateway: Any = services.gateway
    draft = open_new_form(anna)
    anna.post(draft, **MAILING)
    assert f'action="{draft}/test#test"' in anna.get(f"{draft}/check").text
    sent = anna.post(f"{draft}/test", test_phone="79770000001")
    beside = sent.text.partition('<fieldset id="test">')[2].partition("</fieldset>")[0]
    assert "The test message was sent." in beside
    assert [(post.phone_number, post.text) for post in gateway.posts] == [("79770000001", "hello")]
    refused = anna.post(f"{draft}/test", test_phone="12")
    assert refused.status == 400
    assert 'id="test_phone-error"' in refused.text
    assert launch_checked(anna, draft).status == 303


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"filter_tag": "vip,new", "filter_op_codes": "977", "rate_limit": "5", "canary": "3", "max_error_rate": "4"},
        {"filter": '{"any": [{"field": "tag", "is": "a"}, {"not": {"field": "tag", "is": "b"}}]}'},
        {"filter": '{"all": [{"any": [{"field": "tag", "is": "a"}, {"field": "tag", "is": "b"}]}]}'},
        {"time_from": "09:00", "time_to": "21:00", "purpose": "marketing"},
    ],
)
def test_a_copy_of_a_mailing_is_a_draft_with_its_values_and_without_its_dates(
    anna: Browser, call: Call, fields: dict[str, str]
) -> None:
    times = {name: MAILING[name] for name in ("datetime_start", "datetime_end")}
    made = call("POST", "/Mailing", form={**times, "message_text": "two\nlines", **fields}).json
    assert "Copy this mailing" in anna.get("/console/mailings/1").text
    draft = anna.post("/console/mailings/1/copy").headers["Location"]
    page = anna.get(draft).text
    assert "two\nlines</textarea>" in page
    assert "2040" not in page
    form = {name: value for name, value in submitted(page).items() if name not in ("csrf", "test_phone")}
    saved = launch(anna, draft, **{**form, **times})
    assert saved.headers["Location"] == "/console/mailings/2?done=launched"
    assert {**call("GET", "/Mailing/2").json, "id": 1, "warnings": None} == {**made, "warnings": None}


def submitted(page: str) -> dict[str, list[str]]:
    """What a browser submits of this page, without a change."""
    form = Form()
    form.feed(page)
    return form.fields


class Form(HTMLParser):
    """The fields of a page, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.name = ""
        self.text: str | None = None

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        found = dict(attributes)
        if tag == "input" and found.get("name") and (found.get("type") != "checkbox" or "checked" in found):
            self.fields.setdefault(found["name"], []).append(found.get("value") or "")
        elif tag in ("select", "textarea"):
            self.name, self.text = found["name"], "" if tag == "textarea" else None
            self.fields[self.name] = [""]
        elif tag == "option" and "selected" in found:
            self.fields[self.name] = [found.get("value", "")]

    def handle_data(self, data: str) -> None:
        self.text = None if self.text is None else self.text + data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.text is not None:
            self.fields[self.name], self.text = [self.text.removeprefix("\n")], None


def test_a_form_that_is_too_large_for_a_draft_is_refused(anna: Browser, services: Services) -> None:
    draft = open_new_form(anna)
    assert anna.post(draft, message_text="x" * 250_000, step="keep").status == 413
    assert services.drafts.get(1, services.clock.now()) is None


def test_the_check_and_the_launch_of_a_changed_mailing_leave_the_form_of_the_mailing_as_it_was(anna: Browser) -> None:
    launch(anna, **MAILING)
    page = anna.get("/console/mailings/1/edit").text
    assert 'value="save">Save</button>' in page
    assert "draft" not in page.lower()
    assert edit(anna, "/console/mailings/1/edit", **{**MAILING, "message_text": "new"}).status == 303


def test_after_a_launch_the_page_says_whether_the_mailing_begins_now_or_when(anna: Browser) -> None:
    at_once = launch(anna, **NOW).headers["Location"]
    page = re.sub(r"<[^>]+>", "", anna.get(at_once).text)
    assert re.search(r"The mailing starts in (9|10) s\.", page)
    planned = launch(anna, **MAILING).headers["Location"]
    assert re.search(r"The mailing is scheduled for\s*<time datetime=\"2040", anna.get(planned).text)


def test_the_count_to_a_start_at_once_begins_at_the_ten_seconds_that_the_check_has_said(
    anna: Browser, services: Services
) -> None:
    services.clock = FakeClock(services.clock.now().replace(microsecond=1))  # type: ignore[misc, assignment]
    launched = launch(anna, **NOW).headers["Location"]
    start = get_mailing(services, 1).datetime_start
    assert start - services.clock.now() == timedelta(seconds=10, microseconds=999_999)
    assert '<b role="timer" data-countdown>10</b>' in anna.get(launched).text
    services.clock = FakeClock(start - timedelta(seconds=11))  # type: ignore[misc, assignment]
    assert '<b role="timer" data-countdown>11</b>' in anna.get(launched).text, "of a start that a person has chosen"


@pytest.fixture
def started(anna: Browser, services: Services) -> str:
    """The draft of mailing 1, which a person has launched and which has started since."""
    add_clients(anna, 2)
    draft = open_new_form(anna)
    launch(anna, draft, **NOW)
    services.clock = FakeClock(services.clock.now() + timedelta(seconds=12))  # type: ignore[misc, assignment]
    assert start_mailing(services, 1)
    return draft


def test_after_its_start_a_launched_mailing_has_no_countdown_and_no_undo(anna: Browser, started: str) -> None:
    page = anna.get("/console/mailings/1?done=launched").text
    assert "The mailing is launched." in page
    assert "data-countdown" not in page
    assert 'id="undo"' not in page


def test_an_undo_gives_the_draft_back_as_it_was_and_leaves_no_mailing(anna: Browser, services: Services) -> None:
    draft = open_new_form(anna)
    typed = {**NOW, "datetime_start": "", "message_text": "taken back"}
    page = anna.get(launch(anna, draft, **typed).headers["Location"]).text
    assert f'action="{draft}/undo"' in page
    answer = anna.post(f"{draft}/undo")
    assert answer.headers["Location"] == f"{draft}?done=undone"
    page = anna.get(answer.headers["Location"]).text
    assert "The launch is undone, nothing was sent." in page
    assert "taken back</textarea>" in page
    assert 'name="datetime_start" type="datetime-local" value=""' in page
    assert anna.get("/console/mailings/1").status == 404
    assert f'href="{draft}"' in anna.get("/console/drafts").text
    assert [record.action for record in services.audit.read(day_of(services.clock.now()), 10**19, 2)] == [
        "launch undone",
        "made",
    ]
    assert anna.post(f"{draft}/undo").status == 303, "a second press changes nothing"
    assert launch(anna, draft, **typed).headers["Location"] == "/console/mailings/2?done=launched"


def test_a_check_from_before_the_undo_launches_nothing(anna: Browser) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **NOW)
    version = _hidden(anna.get(f"{draft}/check").text, "version")
    anna.post(f"{draft}/launch", version=version)
    anna.post(f"{draft}/undo")
    assert anna.post(f"{draft}/launch", version=version).status == 409
    assert anna.get("/console/mailings/2").status == 404


@pytest.mark.parametrize(("language", "told"), [("en", "has already started"), ("ru", "рассылка уже началась")])
def test_an_undo_after_the_start_is_refused_with_what_can_be_done(
    anna: Browser, services: Services, started: str, language: str, told: str
) -> None:
    anna.headers["Accept-Language"] = language
    answer = anna.post(f"{started}/undo")
    assert answer.headers["Location"] == "/console/mailings/1?done=not_undone"
    note = anna.get(answer.headers["Location"]).text.partition('id="not-undone"')[2].partition("</div>\n</div>")[0]
    assert told in note
    assert ": 0." in note
    for step in ('action="/console/mailings/1/pause"', 'href="/console/mailings/1/cancel"'):
        assert step in note
    assert services.mailings.get(1) is not None
    assert "message_text" not in anna.get(started).text, "the draft stays launched"


def test_a_later_start_can_be_undone_until_it_comes_unless_the_mailing_was_changed(anna: Browser) -> None:
    draft = open_new_form(anna)
    launch(anna, draft, **MAILING)
    page = anna.get("/console/mailings/1").text
    assert 'id="undo"' in page
    assert "data-countdown" not in page
    assert edit(anna, "/console/mailings/1/edit", **{**MAILING, "message_text": "changed"}).status == 303
    assert 'id="undo"' not in anna.get("/console/mailings/1").text
    answer = anna.post(f"{draft}/undo")
    assert "the mailing has been changed since" in anna.get(answer.headers["Location"]).text
    assert anna.get("/console/mailings/1").status == 200


def test_before_the_start_the_page_says_how_its_steps_differ(anna: Browser, anonymous: Browser) -> None:
    launch(anna, **MAILING)
    about = _steps_about(anna)
    assert "Edit: the mailing stays scheduled. After a change the launch can no longer be undone." in about
    assert "Cancel: the mailing never starts, and stays in the list. Delete: it leaves the list as well." in about
    assert edit(anna, "/console/mailings/1/edit", **{**MAILING, "message_text": "new"}).status == 303
    assert "undone" not in _steps_about(anna), "the launch of a changed mailing is not undone"
    anna.post("/console/mailings/1/cancel")
    assert _steps_about(anna) == ""
    launch(anna, **MAILING)
    anonymous.sign_in("boris")
    assert 'id="steps-about"' not in anonymous.get("/console/mailings/2").text, "a reader has no steps"


def _steps_about(browser: Browser) -> str:
    return browser.get("/console/mailings/1").text.partition('id="steps-about">')[2].partition("</p>")[0]


def test_an_undo_of_an_old_tab_leaves_a_series_and_shows_no_other_mailing(anna: Browser) -> None:
    launch(anna, **MAILING)
    draft = open_new_form(anna)
    launch(anna, draft, **MAILING)
    anna.post(f"{draft}/undo")
    assert launch(anna, draft, **MAILING, repeat_kind="daily", timezone="UTC").headers["Location"].startswith(SERIES)
    again = anna.post(f"{draft}/undo")
    assert again.headers["Location"].startswith(SERIES), "and not to the mailing with the number of the series"
    assert "Active" in anna.get(SERIES).text


def test_a_reader_and_the_api_have_no_undo(anna: Browser, anonymous: Browser, call: Call) -> None:
    draft = open_new_form(anna)
    launch(anna, draft, **MAILING)
    times = {name: MAILING[name] for name in ("datetime_start", "datetime_end")}
    call("POST", "/Mailing", json={**times, "message_text": "by a program"})
    assert 'id="undo"' not in anna.get("/console/mailings/2").text
    anonymous.sign_in("boris")
    assert 'id="undo"' not in anonymous.get("/console/mailings/1").text
    assert anonymous.post(f"{draft}/undo").status == 403


def test_a_refused_button_of_a_draft_says_what_was_not_done_and_that_the_draft_is_saved(anna: Browser) -> None:
    wrong = {**TYPED, "message_text": "{unknown}"}
    not_done = {"preview": "No preview", "test": "The test message was not sent", "check": "Not launched"}
    for step, told in not_done.items():
        page = new_form(anna, **wrong, step=step).text
        assert f"{told}: correct the marked fields. The draft is saved." in page
        assert "Not saved. Correct" not in page


def test_a_blank_start_of_a_draft_means_at_once_and_a_blank_end_a_day_later(anna: Browser, services: Services) -> None:
    page = checked(anna, datetime_start="", datetime_end="")
    assert button(page).startswith("Send now to")
    draft = "/console/drafts/1"
    assert 'name="datetime_start" type="datetime-local" value=""' in anna.get(draft).text, "kept as it was typed"
    assert launch_checked(anna, draft).status == 303
    mailing = services.mailings.get(1)
    assert mailing is not None
    assert mailing.datetime_end - mailing.datetime_start == timedelta(days=1)
    assert mailing.datetime_start <= services.clock.now() + timedelta(seconds=11), "as soon as an undo allows"


def test_a_blank_end_follows_the_start_that_is_typed(anna: Browser, services: Services) -> None:
    assert launch(anna, **{**MAILING, "datetime_end": ""}).status == 303
    mailing = services.mailings.get(1)
    assert mailing is not None
    assert mailing.datetime_end - mailing.datetime_start == timedelta(days=1)


@pytest.mark.parametrize(("start", "status"), [("9999-12-31T10:00", 303), ("9999-12-31T23:59:59", 400)])
def test_a_blank_end_after_the_last_day_of_time_is_the_end_of_it(anna: Browser, start: str, status: int) -> None:
    late = {**MAILING, "datetime_start": start, "datetime_end": ""}
    assert anna.post("/console/preview", page="x", **late).status == 200
    assert new_form(anna, **{**late, "step": "check"}).status == status


@pytest.mark.parametrize(
    ("rate", "shown"), [(1_000_000, "1,000,000"), (2.5, "2.5"), (1 / 86_400, "0.000012"), (100, "100")]
)
def test_the_preview_shows_any_rate_of_the_gateway(anna: Browser, services: Services, rate: float, shown: str) -> None:
    services.settings = replace(services.settings, gateway_rate=rate)
    add_clients(anna, 1)
    answer = anna.post("/console/preview", message_text="hello", page="p")
    assert f"Rate, messages per second: {shown}." in answer.text


def test_the_preview_of_a_draft_with_blank_times_shows_when_the_last_message_goes_out(anna: Browser) -> None:
    add_clients(anna, 1)
    assert "Expected time of the last message" in anna.post("/console/preview", message_text="hello", page="p").text


def test_a_wrong_start_is_refused_without_a_word_about_the_blank_end(anna: Browser) -> None:
    page = new_form(anna, **{**MAILING, "datetime_start": "soon", "datetime_end": "", "step": "check"}).text
    assert 'id="datetime_start-error"' in page
    assert 'id="datetime_end-error"' not in page


def test_a_draft_that_repeats_needs_its_start_and_its_end(anna: Browser) -> None:
    blank = {**MAILING, "datetime_start": "", "datetime_end": "", "repeat_kind": "daily", "step": "check"}
    page = new_form(anna, **blank).text
    assert 'id="datetime_start-error"' in page
    assert 'id="datetime_end-error"' in page


def test_the_segment_comes_first_among_the_recipients(anna: Browser) -> None:
    tag = {"where_joined": "all", "where_0_field": "tag", "where_0_operator": "is", "where_0_value": "vip"}
    assert anna.post("/console/segments/new", name="Gold", step="save", filter="", **tag).status == 303
    begun = anna.get("/console/mailings/new?segment=1").headers["Location"]
    page = anna.get(begun).text
    order = [page.index(f'name="{name}') for name in ("segment", "filter_tag", "filter_op_codes", "where_joined")]
    assert order == sorted(order)
    assert '<option value="1" selected>1: Gold</option>' in page.partition("filter_tag")[0]


SERIES = "/console/series/1"
VIP = {"where_joined": "all", "where_0_field": "tag", "where_0_operator": "is", "where_0_value": "vip"}


def test_the_form_shows_a_chosen_segment_that_is_not_among_the_newest(anna: Browser, services: Services) -> None:
    for name in ("Gold", *map(str, range(mailing_form.LABELS_SHOWN))):
        fields: Any = {"name": name, "filter": Leaf("tag", "is", "vip")}
        make_segment(services, fields)
    begun = anna.get("/console/mailings/new?segment=1").headers["Location"]
    page = anna.get(begun).text
    assert '<option value="1" selected>1: Gold</option>' in page
    assert page.count('name="segment"') == 1
    anna.post(begun, **{**MAILING, "segment": "1", "step": "keep"})
    draft = begun.partition("?")[0]
    assert '<option value="1" selected>1: Gold</option>' in anna.get(draft).text


def test_a_copy_of_a_mailing_does_not_lose_a_deleted_segment_and_reach_everyone(anna: Browser) -> None:
    anna.post("/console/segments/new", name="Gold", step="save", filter="", **VIP)
    launch(anna, **MAILING, segment="1")
    anna.post("/console/segments/1/delete")
    draft = anna.post("/console/mailings/1/copy").headers["Location"]
    assert '<option value="1" selected>1: There is no segment 1.</option>' in anna.get(draft).text
    refused = launch(anna, draft, **MAILING, segment="1")
    assert refused.status == 400
    assert 'id="segment-error">There is no segment 1.' in refused.text
    assert '<option value="1" selected>' in refused.text


def test_further_settings_are_folded_unless_one_is_set_or_wrong(anna: Browser) -> None:
    def is_open(**fields: str) -> bool:
        page = new_form(anna, **{**MAILING, **fields, "step": "rows"}).text
        return '<details class="card" id="further" open>' in page

    assert not is_open()
    assert is_open(rate_limit="5")
    assert is_open(canary="20")
    wrong = new_form(anna, **{**MAILING, "max_error_rate": "500", "step": "check"}).text
    assert '<details class="card" id="further" open>' in wrong
    page = anna.get(open_new_form(anna)).text
    places = [page.index(f'id="{name}"') for name in ("message_text", "filter_tag_typed", "datetime_start", "further")]
    assert places == sorted(places), "the text, the recipients, the time, the rest"


def test_the_check_of_marketing_says_how_many_have_no_consent(anna: Browser) -> None:
    add_clients(anna, 2)
    given = {"consent_at": "2020-01-01T00:00:00", "consent_source": "shop"}
    anna.post("/console/clients/new", phone_number="79780000001", timezone="UTC", **given)
    told = (
        "Of 3 clients, 2 have no recorded consent to marketing. They get this message too. "
        "An administrator can forbid that."
    )
    page = checked(anna, purpose="marketing")
    assert told in page
    assert "REQUIRE_CONSENT" in page.partition(told)[2].partition("<small>")[2].partition("</small>")[0]
    assert "recorded consent" not in checked(anna, purpose="service")
    anna.headers["Accept-Language"] = "ru"
    told = (
        "Из 3 клиентов у 2 не записано согласие на рекламу. Они тоже получат это сообщение. "
        "Запретить это может администратор."
    )
    assert told in checked(anna, purpose="marketing")


def test_the_check_of_marketing_says_of_how_many_the_clients_without_a_consent_are_a_sample(anna: Browser) -> None:
    add_clients(anna, SAMPLE + 2)
    assert "Of the first 100 of 102 clients, 100 have no recorded consent" in checked(anna, purpose="marketing")
    anna.headers["Accept-Language"] = "ru"
    assert "Из первых 100 клиентов (всего их 102) у 100 не записано согласие" in checked(anna, purpose="marketing")


@pytest.mark.parametrize(("purpose", "shown"), [("service", "Service"), ("marketing", "Marketing")])
def test_the_check_and_the_page_of_a_mailing_name_its_purpose(anna: Browser, purpose: str, shown: str) -> None:
    fact = f"<dt>Purpose</dt><dd>{shown}</dd>"
    assert fact in checked(anna, purpose=purpose)
    launch(anna, **{**MAILING, "purpose": purpose})
    assert fact in anna.get("/console/mailings/1").text


def test_without_a_price_the_check_says_that_the_cost_of_the_texts_is_not_known(anna: Browser) -> None:
    page = checked(anna)
    assert "not known: the service has no price of an SMS part" in page
    assert "Estimated AWS cost, without the texts" in page


def test_an_example_shows_the_text_of_a_client_without_a_value(anna: Browser) -> None:
    for number, name in enumerate(["Ann", "Bo", "Maximilian", "", "Eve"]):
        attributes = f"name={name}" if name else ""
        anna.post("/console/clients/new", phone_number=f"7977000000{number}", timezone="UTC", attributes=attributes)
    page = anna.post("/console/preview", message_text="Dear {name|friend}").text
    assert "Dear friend" in page


def test_a_reader_is_offered_no_link_that_would_refuse(anna: Browser, anonymous: Browser, services: Services) -> None:
    anna.post(open_new_form(anna), message_text="kept", step="keep")
    assert '<a href="/console/drafts/1">' in anna.get("/console/drafts").text
    assert "<kbd>n</kbd>" in anna.get("/console/shortcuts").text
    put_user(services, "reader", "read")
    anonymous.sign_in("reader")
    page = anonymous.get("/console/drafts").text
    assert "Draft 1" in page
    assert '<a href="/console/drafts/1">' not in page
    assert "<kbd>n</kbd>" not in anonymous.get("/console/shortcuts").text
