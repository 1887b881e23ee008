"""Series in the console: the form of a mailing that repeats, the list, the page of a series and its steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.delivery.series import make_due_mailings
from chalicelib.fields import MAILING

from .test_console import (
    SCRIPT,
    Browser,
    _hidden,
    anna,
    anonymous,
    edit,
    launch,
    launch_checked,
    new_form,
    open_new_form,
)

__all__ = ["anna", "anonymous"]

WEEKLY: dict[str, Any] = {
    "datetime_start": "2040-01-02T06:00:00Z",
    "datetime_end": "2040-01-02T18:00:00Z",
    "message_text": "hello",
    "repeat_kind": "weekly",
    "week_days": ["mon", "fri"],
    "month_days": "40",
    "timezone": "Europe/Moscow",
    "repeat_until": "2040-12-31",
    "repeat_times": "100",
    "skip_dates": "",
    "step": "save",
}


def announce(browser: Browser, draft: str = "", **fields: Any) -> str:
    answer = launch(browser, draft, **{**WEEKLY, **fields})
    assert answer.status == 303, answer.text
    return answer.headers["Location"].partition("?")[0]


def test_a_new_mailing_is_not_repeated_unless_the_form_says_so(anna: Browser, services: Services) -> None:
    page = anna.get(open_new_form(anna)).text
    assert '<option value="once" selected>' in page
    once = launch(anna, **{**WEEKLY, "repeat_kind": "once", "repeat_until": "nonsense"})
    assert once.headers["Location"] == "/console/mailings/1?done=launched"
    assert services.series.get(1) is None
    assert "repeat_kind" not in anna.get("/console/mailings/1/edit").text


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({"repeat_kind": "daily"}, ("daily",)),
        ({"repeat_kind": "weekly", "week_days": ["sun", "tue"]}, ("tue", "sun")),
        ({"repeat_kind": "monthly", "month_days": "last, 1"}, ("1", "last")),
    ],
)
def test_a_mailing_that_repeats_is_announced_as_a_series(
    anna: Browser, services: Services, fields: dict[str, Any], days: tuple[str, ...]
) -> None:
    assert announce(anna, **fields) == "/console/series/1"
    series = services.series.get(1)
    assert series is not None
    assert series.rule.days == days
    assert (series.rule.timezone, str(series.rule.until), series.times) == ("Europe/Moscow", "2040-12-31", 100)
    assert services.mailings.get_many([1]) == {}


def test_the_page_of_a_series_shows_its_rule_and_its_next_starts(anna: Browser) -> None:
    page = anna.get(announce(anna, message_text=SCRIPT, skip_dates="2040-01-06")).text
    for text in ("Mon, Fri", "09:00", "Europe/Moscow", "12:00", "Dec 31, 2040", "Jan 2, 2040, 9:00 AM", "Jan 6, 2040"):
        assert text in page
    assert "Jan 6, 2040, 9:00 AM" not in page
    assert SCRIPT not in page
    assert "hello" not in anna.get("/console/series").text
    assert "Mon, Fri" in anna.get("/console/series").text
    assert "<dt>Purpose</dt><dd>Service</dd>" in page
    page = anna.get(announce(anna, purpose="marketing", rate_limit="7", canary="9")).text
    for name, value in (("Purpose", "Marketing"), ("Rate limit, messages per second", "7")):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page
    assert "<dt>Canary</dt><dd>9 " in page


def test_the_page_and_the_form_of_a_series_have_its_segment_also_after_the_segment_is_deleted(
    anna: Browser, services: Services
) -> None:
    where = {"where_0_field": "tag", "where_0_operator": "is", "where_0_value": "vip", "filter": ""}
    anna.post("/console/segments/new", name="VIP", step="save", **where)
    series = announce(anna, segment="1")
    assert "the client is in the segment “VIP”: the tag is “vip”" in anna.get(series).text
    anna.post("/console/segments/1/delete")
    assert '<option value="1" selected>1: VIP' in anna.get(f"{series}/edit").text
    assert edit(anna, f"{series}/edit", **{**WEEKLY, "segment": "1", "message_text": "new"}).status == 303
    found = services.series.get(1)
    assert found is not None
    assert found.mailing.chosen.segment is not None
    assert found.mailing.chosen.segment.condition is not None


def test_a_series_links_its_mailings_and_they_link_the_series(anna: Browser, services: Services) -> None:
    now = datetime.now(UTC)
    dates = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
    series = announce(anna, **dates, repeat_kind="daily")
    assert make_due_mailings(services) == 1
    assert 'href="/console/mailings/1"' in anna.get(series).text
    assert f'href="{series}"' in anna.get("/console/mailings/1").text
    services.mailings.remove(services.mailings.get(1))  # type: ignore[arg-type]
    assert anna.get(series).status == 200, "a deleted mailing is left out"


def test_a_draft_announces_one_series_and_leads_to_it_afterwards(anna: Browser, services: Services) -> None:
    draft = open_new_form(anna)
    assert announce(anna, draft) == "/console/series/1"
    assert anna.post(f"{draft}/launch", version="1").headers["Location"] == "/console/series/1?done=launched"
    assert services.series.get(2) is None
    page = anna.get(draft).text
    assert "it has created series 1" in page
    assert 'href="/console/series/1"' in page
    refused = anna.post(draft, **{**WEEKLY, "repeat_kind": "once"})
    assert refused.status == 422
    assert "this draft has already created series 1, with other values" in refused.text
    refused = anna.post(draft, **{**WEEKLY, "message_text": "other"})
    assert "other" in refused.text
    assert '<option value="weekly" selected>' in refused.text


def test_a_draft_that_announced_a_mailing_announces_no_series(anna: Browser, services: Services) -> None:
    draft = open_new_form(anna)
    announce(anna, draft, repeat_kind="once")
    assert anna.post(draft, **WEEKLY).status == 422
    assert launch_checked(anna, draft).headers["Location"] == draft
    assert services.series.get(1) is None


def test_the_check_of_a_series_says_when_it_starts_and_names_the_act(anna: Browser) -> None:
    draft = open_new_form(anna)
    anna.post(draft, **WEEKLY)
    page = anna.get(f"{draft}/check").text
    assert "Mon, Fri, 09:00" in page
    assert "Start the series: first mailing" in page.partition('<button class="primary">')[2]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"week_days": []}, "This field may not be blank."),
        ({"repeat_kind": "monthly"}, "days of the month such as 1,15,last"),
        ({"repeat_kind": "yearly"}, "days of the week such as mon,wed,fri"),
        ({"timezone": "Mars"}, "Mars"),
        ({"repeat_until": "2039-01-01"}, "No mailing would start"),
        ({"repeat_times": "0"}, "from 1 to 10000"),
        ({"skip_dates": "tomorrow"}, "A date is expected"),
        ({"datetime_end": "2040-03-02T18:00:00Z"}, "within 31 days"),
        ({"message_text": ""}, "This field may not be blank."),
    ],
)
def test_a_wrong_field_is_marked_and_what_was_typed_is_kept(anna: Browser, fields: dict[str, Any], text: str) -> None:
    refused = new_form(anna, **{**WEEKLY, **fields})
    assert refused.status == 400
    assert text in refused.text
    assert "Not saved." in refused.text
    assert 'value="2040-01-02T06:00:00"' in refused.text


def test_preview_and_test_message_keep_how_the_form_repeats(anna: Browser) -> None:
    page = new_form(anna, **{**WEEKLY, "step": "preview"}).text
    assert '<option value="weekly" selected>' in page
    assert 'value="fri" checked' in page
    assert 'value="2040-12-31"' in page


def test_a_series_is_edited_and_its_form_has_its_values(anna: Browser, services: Services) -> None:
    series = announce(anna, repeat_kind="monthly", month_days="2,last", filter_tag_typed="vip", rate_limit="5")
    page = anna.get(f"{series}/edit").text
    for text in ('value="2,last"', '<option value="monthly" selected>', 'value="vip"', 'value="2040-01-02T06:00:00"'):
        assert text in page
    assert '<option value="once"' not in page
    saved = edit(anna, f"{series}/edit", **{**WEEKLY, "message_text": "new", "repeat_kind": "daily"})
    assert saved.headers["Location"] == f"{series}?done=saved"
    found = services.series.get(1)
    assert found is not None
    assert (found.mailing.message_text, found.rule.days, found.mailing.rate_limit) == ("new", ("daily",), None)


def test_the_form_of_a_series_has_a_field_for_each_field_of_a_mailing(anna: Browser) -> None:
    page = anna.get(f"{announce(anna)}/edit").text
    missing = {name for name in MAILING if f'name="{name}' not in page}
    assert missing <= {"max_cost", "sender"}, "without a price, and a gateway that takes no sender"


def test_of_two_forms_of_one_series_the_second_is_refused_with_what_changed(anna: Browser) -> None:
    series = announce(anna)
    stale = anna.get(f"{series}/edit").text
    edit(anna, f"{series}/edit", **{**WEEKLY, "repeat_until": "2041-01-01"})
    version = stale.partition('name="version" value="')[2].partition('"')[0]
    refused = anna.post(f"{series}/edit", **{**WEEKLY, "message_text": "mine"}, version=version)
    assert refused.status == 409
    note = refused.text.partition('role="alert"')[2].partition("</div>")[0]
    assert "2041-01-01" in note
    assert "Last day" in note


def test_a_day_that_the_series_has_no_more_is_refused_on_its_page(anna: Browser) -> None:
    """Another person may have changed the days since the page was opened."""
    series = announce(anna)
    refused = anna.post(f"{series}/skip", date="2039-12-31")
    assert refused.status == 400
    assert '<p class="error" role="alert">No mailing of the series starts on this day.</p>' in refused.text
    assert f'action="{series}/skip"' in refused.text, "the days that it has"


def test_a_series_is_paused_resumed_skipped_and_ended(anna: Browser, services: Services) -> None:
    series = announce(anna)
    for step, status, note in [("pause", "Paused", "Series paused."), ("resume", "Active", "Series resumed.")]:
        answer = anna.post(f"{series}/{step}")
        page = anna.get(answer.headers["Location"]).text
        assert note in page
        assert status in page
    anna.post(f"{series}/skip", date="2040-01-02")
    assert "2040-01-02 09:00" not in anna.get(series).text
    assert "End this series?" in anna.get(f"{series}/end").text
    page = anna.get(anna.post(f"{series}/end").headers["Location"]).text
    assert "Series ended." in page
    assert "Next starts" not in page
    assert "/edit" not in page
    assert anna.post(f"{series}/resume").status == 409


def test_unknown_steps_and_series_are_not_found(anna: Browser) -> None:
    series = announce(anna)
    assert anna.post(f"{series}/delete").status == 404
    assert anna.get(f"{series}/pause").status == 404
    for path in ("", "/edit", "/end"):
        assert anna.get(f"/console/series/7{path}").status == 404


def test_a_reader_sees_series_and_changes_none(anonymous: Browser, services: Services) -> None:
    anonymous.sign_in("anna")
    series = announce(anonymous)
    anonymous.sign_in("boris")
    assert anonymous.get(series).status == 200
    assert anonymous.post(f"{series}/end").status == 403
    assert services.series.get(1).status == "active"  # type: ignore[union-attr]


def test_pages_of_series_are_in_russian_too(anna: Browser) -> None:
    series = announce(anna, repeat_kind="monthly", month_days="1,last")
    anna.headers["Accept-Language"] = "ru"
    assert "последний день месяца" in anna.get(series).text
    assert "Серия № 1" in anna.get(f"{series}/edit").text
    assert "Следующее начало" in anna.get("/console/series").text
    assert "По дням недели" in anna.get(open_new_form(anna)).text


def test_days_and_purpose_are_in_russian_words_in_the_audit_log_and_beside_an_outdated_form(
    anna: Browser, anonymous: Browser
) -> None:
    path = f"{announce(anna)}/edit"
    version = _hidden(anna.get(path).text, "version")
    edit(anna, path, **{**WEEKLY, "purpose": "marketing", "repeat_kind": "monthly", "month_days": "1,last"})
    anna.headers["Accept-Language"] = "ru"
    refused = anna.post(path, **{**WEEKLY, "message_text": "other"}, version=version)
    assert refused.status == 409
    changes = refused.text.partition("<dl>")[2].partition("</dl>")[0]
    for told in (">Реклама</dd>", ">1, последний день месяца</dd>"):
        assert told in changes
    audit = anna.get("/console/audit").text
    for told in ("Пн, Пт</div>", "1, последний день месяца</div>", "Реклама</div>"):
        assert told in audit


def test_a_time_zone_of_a_series_that_is_no_longer_common_is_not_replaced_by_the_first_of_the_list(
    anna: Browser, services: Services
) -> None:
    path = announce(anna)
    series = services.series.get(1)
    assert series is not None
    services.series.change(series, replace(series, rule=replace(series.rule, timezone="Europe/Kiev")))
    assert "<option selected>Europe/Kiev</option>" in anna.get(f"{path}/edit").text
    refused = anna.post(f"{path}/edit", **{**WEEKLY, "timezone": "Europe/Kiev"})
    assert "Europe/Kyiv is expected" in refused.text
