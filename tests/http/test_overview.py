"""The first page of the console: what is under way, what starts next, what failed, and whether all is well."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.queues import QueueRefused
from chalicelib.adapters.services import Services
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.approval import AWAITED, COUNTING, REASONS
from chalicelib.domain.audience import Plan
from chalicelib.domain.breaker_report import BreakerReport, Opening
from chalicelib.domain.counts import Counts
from chalicelib.domain.gateway_posts import GatewayPosts
from chalicelib.domain.mailing import FINISHED, MAILING_ID, RUNNING, Mailing
from chalicelib.domain.reasons import Reason
from chalicelib.domain.timeline import Sample
from chalicelib.gateways.configured import Configured
from chalicelib.mailings.lifecycle import get_mailing
from chalicelib.texts import Text
from infra.local.doubles.aws import add_clients

from .test_console import MAILING, SCRIPT, Browser, anna, anonymous, launch, launch_due
from .test_console_series import WEEKLY
from .test_growth import Counted
from .test_running_page import text_of

__all__ = ["anna", "anonymous"]

REFUSED = Reason("failed", Text("gateway.message_refused", status=400))


def seen(browser: Browser) -> str:
    return text_of(browser.get("/console").text)


@pytest.fixture
def under_way(anna: Browser, services: Services) -> Browser:
    """Mailing 1 sends a hundred messages a minute."""
    assert services.clients.get(1) is None, "the table is known before it is filled"
    add_clients(900)
    launch_due(anna, services, **MAILING)
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    now = services.clock.now()
    for minute in (4, 3, 2, 1):
        sample = Sample(now - timedelta(minutes=minute), Counts(total=900, sent=500 - 100 * minute))
        services.timelines.keep_sample(1, sample, now.replace(year=2041))
    waited = now - timedelta(seconds=7)
    services.mailings.add_counts(1, Counts(sent=500), now, now, waited, posts=500, milliseconds=20_000)
    return anna


def test_the_overview_of_a_new_service_says_that_all_is_well(anna: Browser) -> None:
    text = seen(anna)
    for part in ("All is well.", "No mailing is being sent.", "Nothing is scheduled.", "Messages in the queue 0"):
        assert part in text


def test_the_overview_has_what_today_has_spent_of_the_daily_budget(anna: Browser, services: Services) -> None:
    assert "Spent today" not in seen(anna)
    services.settings = replace(services.settings, daily_budget=1_000_000_000, gateway_currency="RUB")
    services.spending.add(services.clock.now().date(), 123_400_000, services.clock.now())
    assert re.search(r"Spent today 123\.40? / 1,?000(\.00)? RUB", seen(anna)), seen(anna)


def test_mailings_under_way_have_their_progress_rate_and_expected_end(under_way: Browser) -> None:
    for path in ("/console", "/console?live=1"):
        page = under_way.get(path).text
        assert "data-going" in page
        text = text_of(page)
        assert "500 / 900" in text
        assert re.search(r"\b(9\d|10\d) messages a minute", text)
        assert "40 ms" in text
        assert "Wait in the queue 7 seconds" in text
        assert "All is well." in text


def test_the_next_starts_are_those_of_mailings_and_series_in_their_order(anna: Browser) -> None:
    launch(anna, **{**MAILING, "message_text": "in ten years"})
    launch(anna, **{**WEEKLY, "message_text": "each week"})
    launch(anna, **{**MAILING, "datetime_start": "2039-01-01T10:00:00Z", "message_text": SCRIPT})
    page = anna.get("/console").text
    assert SCRIPT not in page
    assert page.index("&lt;script&gt;") < page.index("in ten years") < page.index("each week")
    assert 'href="/console/series/1"' in page


def test_failures_of_the_last_day_are_added_up_by_reason(under_way: Browser, services: Services) -> None:
    now = services.clock.now()
    kept = now.replace(year=2041)
    ended = now - timedelta(hours=1)
    for number, at in ((2, ended), (3, now - timedelta(days=2))):
        plan, counts = Plan("block", 10, 1, 1), Counts(total=9, failed=5, sent=4)
        mailing = Mailing(number, at, at, "text", status=FINISHED, plan=plan, ended_at=at, counts=counts)
        running = replace(mailing, status=RUNNING, ended_at=None)
        services.mailings.add(running)
        services.mailings.end(running, mailing)
        services.timelines.add_reasons(number, Counter({REFUSED: 5}), kept)
    services.counters.lease_ids(MAILING_ID, 2)
    services.mailings.add_counts(1, Counts(failed=2), now)
    services.timelines.add_reasons(1, Counter({REFUSED: 2}), kept)
    text = seen(under_way)
    assert "7 failed The gateway refused the message (400). The gateway does not take this number or this text" in text
    assert "All is well." not in text


def test_a_mailing_that_the_service_has_paused_is_named_with_the_reason(under_way: Browser, services: Services) -> None:
    before = get_mailing(services, 1)
    reason = Text("mailing.too_many_errors", errors=5, known=10, most=20)
    services.mailings.change(before, replace(before, status="paused", paused_because=reason))
    text = seen(under_way)
    assert "5 of the first 10 messages failed" in text
    assert "All is well." not in text


def test_a_mailing_that_waits_for_an_approval_is_named_and_not_while_its_clients_are_counted(
    under_way: Browser, services: Services
) -> None:
    before = get_mailing(services, 1)
    held = replace(before, status="paused", approval=COUNTING, paused_because=REASONS[COUNTING])
    services.mailings.change(before, held)
    assert "All is well." in seen(under_way)
    before = get_mailing(services, 1)
    services.mailings.change(before, replace(before, approval=AWAITED, paused_because=REASONS[AWAITED]))
    text = seen(under_way)
    assert "It waits for the approval of a second person." in text
    assert "All is well." not in text


def test_a_mailing_without_progress_is_named(under_way: Browser, services: Services) -> None:
    now = services.clock.now()
    before = get_mailing(services, 1)
    services.mailings.change(before, replace(before, posting_since=now - timedelta(hours=1)))
    services.mailings.add_counts(1, Counts(), now - timedelta(minutes=15))
    text = seen(under_way)
    assert "A mailing makes no progress for 15 minutes." in text
    assert "All is well." not in text


def test_a_queue_that_does_not_answer_is_a_dash(anna: Browser, services: Services) -> None:
    class Refusing:
        def size(self) -> int:
            raise QueueRefused("throttled")

    queue: Any = Refusing()
    services.send_queue = services.dead_letters = queue
    assert "Messages in the queue —" in seen(anna)


@pytest.mark.parametrize("number", [60, 200])
def test_the_overview_reads_as_much_whatever_the_number_of_mailings(
    anna: Browser, services: Services, number: int
) -> None:
    now = services.clock.now()
    for mailing_id in range(1, number + 1):
        is_open = mailing_id % 2 == 0
        status = RUNNING if is_open else FINISHED
        counts = Counts(total=9, sent=1, failed=1)
        mailing = Mailing(
            mailing_id,
            now,
            now + timedelta(hours=1),
            "text",
            status=status,
            plan=Plan("block", 10, 1, 1),
            ended_at=None if is_open else now,
        )
        services.mailings.add(mailing)
        if is_open:
            services.mailings.add_counts(mailing_id, counts, now)
    services.counters.lease_ids(MAILING_ID, number)
    mailings, timelines = Counted(services, "mailings"), Counted(services, "timelines")
    page = anna.get("/console").text
    assert page.count('class="progress"') == 10
    assert f"and {number // 2 - 10} more" in page
    assert len(mailings.calls) <= 6
    assert Counter(timelines.calls)["samples"] == 10
    assert Counter(timelines.calls)["reasons"] <= 10
    assert len(page.encode()) < 100_000


def test_the_breaker_of_the_gateway_is_shown_with_its_time_and_reason(anna: Browser, services: Services) -> None:
    now, opening = services.clock.now(), Opening(services.clock.now() - timedelta(minutes=7), REFUSED.text)
    assert "Breaker closed" in seen(anna)
    [gateway] = services.settings.routes.names
    report = BreakerReport(gateway, now).after(opening, now)
    services.breaker_reports.write(report)
    text = seen(anna)
    assert re.search(r"Breaker open since .{20,40} The gateway refused the message \(400\)\.", text), text
    assert "Senders try single messages until one succeeds." in text
    assert "All is well." not in text
    silent = Text("gateway.silent", error="ReadTimeout")
    services.breaker_reports.write(replace(report, reason=silent))
    assert "The gateway did not answer: it took too long (ReadTimeout)." in seen(anna)
    services.breaker_reports.write(replace(report, told_at=now - timedelta(hours=2)))
    assert "Breaker open when a sender last tried" in seen(anna)
    services.breaker_reports.write(report.after(None, now))
    assert "Breaker closed since" in seen(anna)
    assert "All is well." in seen(anna)


def use_gateways(services: Services, *names: str) -> None:
    gateways = tuple(Configured(name, "contract", f"https://{name}.example.com") for name in names)
    services.settings = replace(services.settings, gateways=gateways)


def row_of(page: str, gateway: str) -> dict[str, str]:
    """The cells of the table of gateways, by their headings."""
    [row] = re.findall(rf"<tr>\s*<td[^>]*>{gateway}</td>.*?</tr>", page, re.DOTALL)
    return {
        name: text_of(cell).strip() for name, cell in re.findall(r'data-label="(.*?)"[^>]*>(.*?)</td>', row, re.DOTALL)
    }


def test_several_gateways_have_a_row_each_that_shows_which_one_is_ill(under_way: Browser, services: Services) -> None:
    assert 'id="gateways"' not in under_way.get("/console").text
    use_gateways(services, "smsc", "spare", "unused")
    now, hour = services.clock.now(), timedelta(hours=1)
    ill = GatewayPosts(accepted=1, failed=20, doubtful=3, milliseconds=24_000, accepted_at=now - hour)
    well = GatewayPosts(accepted=1200, refused=4, milliseconds=120_400, accepted_at=now)
    services.mailings.add_counts(1, Counts(), now, by_gateway={"smsc": ill, "spare": well})
    opening = Opening(now - timedelta(minutes=7), REFUSED.text)
    services.breaker_reports.write(BreakerReport("smsc", now).after(opening, now))
    page = under_way.get("/console").text
    assert "Attempts of the last 10 minutes, by their outcome:" in page
    smsc, spare, unused = (row_of(page, name) for name in ("smsc", "spare", "unused"))
    numbers = ("Accepted", "Refused", "Other errors", "No clear answer", "Time of an answer")
    assert [smsc[name] for name in numbers] == ["1", "0", "20", "3", "1,000 ms"]
    assert [spare[name] for name in numbers] == ["1,200", "4", "0", "0", "100 ms"]
    assert [unused[name] for name in numbers] == ["0", "0", "0", "0", "—"]
    assert "open since" in smsc["Breaker"]
    assert spare["Breaker"] == unused["Breaker"] == "closed"
    assert smsc["Last message sent"] != spare["Last message sent"]
    assert unused["Last message sent"] == "—"


def test_attempts_that_are_older_than_ten_minutes_are_left_out(under_way: Browser, services: Services) -> None:
    use_gateways(services, "smsc", "spare")
    before, now = get_mailing(services, 1), services.clock.now()
    services.mailings.change(before, replace(before, posting_since=now - timedelta(hours=1)))
    old = {"smsc": GatewayPosts(accepted=100, milliseconds=5000)}
    for minute in range(30, 0, -1):
        sample = Sample(now - timedelta(minutes=minute), Counts(total=900), by_gateway=old)
        services.timelines.keep_sample(1, sample, now.replace(year=2041))
    new = {"smsc": GatewayPosts(failed=7, milliseconds=700)}
    for added in (old, new):
        services.mailings.add_counts(1, Counts(), now, by_gateway=added)
    found = row_of(under_way.get("/console").text, "smsc")
    assert (found["Accepted"], found["Other errors"], found["Time of an answer"]) == ("0", "7", "100 ms")


def test_the_attempts_of_a_mailing_that_has_just_ended_or_paused_are_shown(
    under_way: Browser, services: Services
) -> None:
    use_gateways(services, "smsc", "spare")
    now = services.clock.now()
    services.mailings.add_counts(1, Counts(), now, by_gateway={"smsc": GatewayPosts(failed=7)})
    before = get_mailing(services, 1)
    services.mailings.change(before, replace(before, status="paused"))
    assert row_of(under_way.get("/console").text, "smsc")["Other errors"] == "7"
