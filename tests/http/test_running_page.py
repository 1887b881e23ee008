"""The page of a mailing while it runs and after it: failures by reason, phone numbers, what a step has done."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.clients.import_worker import process_import
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.delivery.reconcile import reconcile_shard
from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import ReconcileShard
from chalicelib.domain.message import MessageKey
from chalicelib.domain.reasons import Reason
from chalicelib.domain.timeline import Sample
from chalicelib.mailings.lifecycle import get_mailing
from chalicelib.texts import Text
from infra.local.doubles.aws import add_clients
from tests.message_changes import close

from .test_console import MAILING, Browser, anna, anonymous, launch, launch_due

__all__ = ["anna", "anonymous"]

REFUSED = Reason("failed", Text("gateway.message_refused", status=400))
FORBIDDEN = Reason("failed", Text("gateway.message_refused", status=410))


@pytest.fixture
def failed(anna: Browser, services: Services) -> Browser:
    """Mailing 1 to three clients: two messages refused with 400, one with 410."""
    for number in range(1, 4):
        anna.post("/console/clients/new", phone_number=f"7977000000{number}", timezone="UTC")
    launch_due(anna, services, **MAILING)
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    for client_id, reason in ((1, REFUSED), (2, REFUSED), (3, FORBIDDEN)):
        close(services.messages, MessageKey(1, client_id, 1), reason.status, reason.text)
    services.mailings.add_counts(1, Counts(failed=3), services.clock.now())
    kept = services.clock.now().replace(year=2041)
    services.timelines.add_reasons(1, Counter({REFUSED: 2, FORBIDDEN: 1}), kept)
    return anna


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_failures_are_grouped_by_reason_with_their_numbers(failed: Browser) -> None:
    for path in ("/console/mailings/1", "/console/mailings/1?live=1"):
        text = text_of(failed.get(path).text)
        assert "2 failed The gateway refused the message (400)." in text
        assert "1 failed The gateway refused the message (410)." in text
        assert "Recent errors" not in text


def test_a_reason_leads_to_its_messages_and_their_file(failed: Browser) -> None:
    link = f"/console/mailings/1?status=failed&reason={FORBIDDEN.key}"
    assert f'href="{link.replace("&", "&amp;")}#messages"' in failed.get("/console/mailings/1").text
    page = failed.get(link).text
    assert "79770000003" in page
    assert "79770000001" not in page
    rows = failed.get(f"/console/mailings/1/export?status=failed&reason={FORBIDDEN.key}").text.splitlines()[1:]
    assert [row.split(";")[2] for row in rows] == ["3"]
    assert failed.get("/console/mailings/1?reason=0123456789abcdef").status == 404


def test_the_question_before_a_resend_names_the_reason_and_the_numbers(failed: Browser) -> None:
    assert "failed (3)" in failed.get("/console/mailings/1/resend").text
    page = failed.get(f"/console/mailings/1/resend?reason={REFUSED.key}").text
    assert "failed: 2 · The gateway refused the message (400)." in text_of(page)
    assert 'name="statuses"' not in page
    assert "Resend 2 messages" in page


def test_a_progress_says_beside_its_number_how_many_messages_were_not_sent(failed: Browser, services: Services) -> None:
    services.mailings.mark_fanned_out(1, 3, services.clock.now())
    for path in ("/console/mailings/1", "/console/mailings"):
        assert "3 / 3 · not sent: 3" in text_of(failed.get(path).text)


def test_the_messages_of_one_reason_are_resent(failed: Browser, services: Services) -> None:
    before = get_mailing(services, 1)
    assert failed.post("/console/mailings/1/resend", reason=FORBIDDEN.key).status == 303
    [order] = get_mailing(services, 1).resend
    assert order.startswith("failed {")
    assert "410" in order
    assert get_mailing(services, 1).resends == before.resends + 1
    assert failed.post("/console/mailings/1/resend", reason="x").status == 404


def test_phone_numbers_of_messages_are_masked_for_a_user_who_only_reads(failed: Browser, services: Services) -> None:
    file = "/console/mailings/1/export"
    assert "79770000001" in failed.get("/console/mailings/1").text
    assert failed.get(file).text.splitlines()[0].endswith(";phone_number")
    assert "79770000001" in failed.get(file).text
    failed.sign_in("boris")
    for path in ("/console/mailings/1", "/console/mailings/1?live=1", file):
        assert "79770000001" not in failed.get(path).text, path
    assert "7977*******" in failed.get("/console/mailings/1").text
    assert "7977*******" in failed.get(file).text


def test_a_user_who_only_reads_is_offered_no_resend(failed: Browser) -> None:
    failed.sign_in("boris")
    assert "/resend?reason=" not in failed.get("/console/mailings/1").text


def test_the_message_of_a_deleted_client_has_no_phone_number(failed: Browser) -> None:
    failed.post("/console/clients/1/delete")
    page: Any = failed.get("/console/mailings/1")
    assert page.status == 200
    assert "79770000001" not in page.text


@pytest.fixture
def announced(anna: Browser, services: Services) -> Browser:
    """Mailing 1 to 1,500 clients, whose start is past: its fan-out takes two pages."""
    assert services.clients.get(1) is None, "the table is known before it is filled"
    add_clients(1500)
    launch_due(anna, services, **MAILING)
    return anna


def test_the_page_says_that_the_total_still_grows_while_clients_are_selected(
    announced: Browser, services: Services
) -> None:
    start_mailing(services, 1)
    assert "The clients are being selected." in announced.get("/console/mailings/1").text
    seconds = iter([60.0, 60.0])
    walk_slice(services, 1, 0, lambda: next(seconds, 0.0))
    text = text_of(announced.get("/console/mailings/1").text)
    assert re.search(r"0 / \d{3} The clients are still being selected, so the total grows\.", text)
    walk_slice(services, 1, 0, lambda: 60.0)
    text = text_of(announced.get("/console/mailings/1").text)
    assert "0 / 1,500" in text
    assert "selected" not in text


def test_after_a_cancel_the_page_says_what_becomes_of_the_queued_messages(
    announced: Browser, services: Services
) -> None:
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    announced.post("/console/mailings/1/cancel")
    page = announced.get("/console/mailings/1").text
    assert '<b id="count-queued">1,500</b>' in page
    assert "Its queued messages are being marked as cancelled" in page
    reconcile_shard(services, ReconcileShard(1, 1, 0), lambda: 60.0)
    page = announced.get("/console/mailings/1").text
    assert '<b id="count-queued">0</b>' in page
    assert "are being marked" not in page


def test_the_page_speaks_of_the_start_only_while_it_is_ahead(anna: Browser, services: Services) -> None:
    launch(anna, **MAILING)
    page = anna.get("/console/mailings/1").text
    assert "The clients are selected at the start." in page
    assert "They are made at the start." in page
    anna.post("/console/mailings/1/cancel")
    page = anna.get("/console/mailings/1").text
    assert "The mailing did not start, and sent nothing." in page
    assert "No messages." in page
    assert "at the start" not in page


def test_a_resend_is_announced_until_its_messages_are_queued(failed: Browser, services: Services) -> None:
    services.mailings.mark_fanned_out(1, 3, services.clock.now())
    answer = failed.post("/console/mailings/1/resend", reason=FORBIDDEN.key)
    page = failed.get(answer.headers["Location"]).text
    assert "Resend ordered." in page
    assert "The messages to resend are being looked for and queued" in page
    reconcile_shard(services, ReconcileShard(1, get_mailing(services, 1).rounds, 0), lambda: 60.0)
    page = failed.get(answer.headers["Location"]).text
    assert '<b id="count-queued">1</b>' in page
    assert "are being looked for" not in page


def test_without_a_script_a_page_links_to_itself_while_something_goes_on(
    announced: Browser, services: Services
) -> None:
    pages = {
        "/console": "/console",
        "/console/mailings?text=hello": "/console/mailings?text=hello",
        "/console/mailings/1": "/console/mailings/1",
        "/console/imports/1": "/console/imports/1",
    }
    start_mailing(services, 1)
    announced.upload("clients.csv", "phone_number\n79774053329\n")
    for path, link in pages.items():
        page = announced.get(path).text
        assert f'<noscript><p><a href="{link}">Reload to see the progress</a></p></noscript>' in page, path
        assert "http-equiv" not in page, "a page that reloads itself interrupts a reader"
    ended = replace(get_mailing(services, 1), status="finished", ended_at=services.clock.now())
    services.mailings.change(get_mailing(services, 1), ended)
    process_import(services, 1, lambda: 60.0)
    for path in pages:
        assert "Reload" not in announced.get(path).text, path


@pytest.mark.parametrize(("step", "note"), [("resume", "Mailing resumed."), ("pause", "Mailing paused.")])
def test_a_note_of_a_step_goes_when_the_status_no_longer_agrees(
    announced: Browser, services: Services, step: str, note: str
) -> None:
    start_mailing(services, 1)
    announced.post("/console/mailings/1/pause")
    if step == "resume":
        announced.post("/console/mailings/1/resume")
    assert note in announced.get(f"/console/mailings/1?done={step}").text
    running = get_mailing(services, 1)
    now = services.clock.now()
    services.mailings.change(running, replace(running, status="finished", ended_at=now))
    page = announced.get(f"/console/mailings/1?done={step}").text
    assert "Finished" in page
    assert note not in page


def test_the_live_section_names_the_state_with_which_the_lists_of_the_page_change(
    announced: Browser, services: Services
) -> None:
    """The script loads the page again when it changes: a canary that paused left "Nothing to show" in the list."""
    start_mailing(services, 1)
    found = [_state(announced)]
    walk_slice(services, 1, 0, lambda: 60.0)
    found.append(_state(announced))
    announced.post("/console/mailings/1/pause")
    found.append(_state(announced))
    assert found == ["running", "running-selected", "paused-selected"]


def _state(browser: Browser) -> str:
    pages = [browser.get(f"/console/mailings/1{query}").text for query in ("", "?live=1")]
    whole, section = (re.findall(r'data-state="([^"]+)"', page) for page in pages)
    assert whole == section
    return str(whole[0])


@pytest.fixture
def under_way(announced: Browser, services: Services) -> Browser:
    """Mailing 1 has sent 600 messages in three minutes."""
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    now = services.clock.now()
    kept = now.replace(year=2041)
    for minute, sent in ((3, 100), (2, 300), (1, 450)):
        at = now - timedelta(minutes=minute)
        services.timelines.keep_sample(1, Sample(at, Counts(total=1500, sent=sent), sent, 40 * sent), kept)
    services.mailings.add_counts(1, Counts(sent=590, failed=10), now, now, posts=600, milliseconds=24_000)
    return announced


def test_the_chart_has_the_messages_by_status_and_time_and_the_same_numbers_as_a_table(under_way: Browser) -> None:
    for path in ("/console/mailings/1", "/console/mailings/1?live=1"):
        page = under_way.get(path).text
        [chart] = re.findall(r'<figure class="bars">.*?</figure>', page, re.DOTALL)
        heights = [int(height) for height in re.findall(r'<rect class="sent"[^>]* height="(\d+)"', chart)]
        assert sum(heights) == 590
        assert len(heights) >= 4
        assert 'role="img" aria-label="Messages over time"' in chart
        rows = re.findall(r"<tr><td>.*?</tr>", chart, re.DOTALL)
        numbers = [[int(cell) for cell in re.findall(r"<td data-label=[^>]*>(\d+)</td>", row)] for row in rows]
        of_bars = [row for row in numbers if len(row) == 5]
        assert [sum(column) for column in zip(*of_bars, strict=True)] == [590, 10, 0, 0, 0]
        assert "style=" not in chart


def test_a_running_mailing_shows_its_rate_its_expected_end_and_the_speed_of_the_gateway(under_way: Browser) -> None:
    text = text_of(under_way.get("/console/mailings/1").text)
    assert re.search(r"Now: 1[4-9]\d messages a minute · expected to be done:", text)
    assert "The gateway answers in 40 ms." in text
    assert "At this time the expected end was" in text
    under_way.post("/console/mailings/1/pause")
    assert "messages a minute ·" not in text_of(under_way.get("/console/mailings/1").text)


def test_the_page_says_if_a_mailing_will_not_be_done_before_its_end(under_way: Browser, services: Services) -> None:
    before = get_mailing(services, 1)
    services.mailings.change(before, replace(before, datetime_end=services.clock.now() + timedelta(minutes=2)))
    assert "This is after the end of the mailing" in under_way.get("/console/mailings/1").text


def test_before_the_start_there_is_no_chart(anna: Browser) -> None:
    launch(anna, **MAILING)
    assert "bars" not in anna.get("/console/mailings/1").text


def test_the_page_of_a_long_mailing_with_many_reasons_stays_small(under_way: Browser, services: Services) -> None:
    now = services.clock.now()
    kept = now.replace(year=2041)
    for number in range(900):
        at = now - timedelta(minutes=70 * number)
        services.timelines.keep_sample(1, Sample(at, Counts(total=10**6, sent=10**5 - 100 * number)), kept)
    refusals = {Reason("failed", Text("gateway.message_refused", status=400 + code)): 1000 for code in range(20)}
    services.timelines.add_reasons(1, Counter(refusals), kept)
    for language in ("en", "ru"):
        under_way.headers["Accept-Language"] = language
        page = under_way.get("/console/mailings/1").text
        assert page.count('<rect class="sent"') > 30
        assert len(page.encode()) < 100_000
