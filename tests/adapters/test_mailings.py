from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.adapters.tables.filter_columns import read_filter, stored_filter, stored_plan
from chalicelib.domain.audience import NamedMailing, Plan
from chalicelib.domain.brake import NO_ANSWERS, NO_REFUSALS, Answers, Refusals
from chalicelib.domain.canary import Canary
from chalicelib.domain.condition import Group, Leaf, Received
from chalicelib.domain.counts import Counts
from chalicelib.domain.decisions import cancelled, ended, resent, resumed
from chalicelib.domain.filter import Filter
from chalicelib.domain.former_text import FormerText
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.mailing_outline import MailingOutline
from chalicelib.domain.mailing_search import ListedMailing
from chalicelib.domain.message import MessageKey
from chalicelib.domain.rounds import QUEUE_OVERDUE, ROUND_PRICE, concluded, is_running
from chalicelib.domain.segment import Segment
from chalicelib.domain.send_window import SendWindow
from chalicelib.errors import RowChanged

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAILING = Mailing(1, NOW, NOW + timedelta(hours=1), "привет", Filter(("тег",), ("977", "921")))
PAUSED_BECAUSE = Canary(5).pause_reason(3, 5)
RUNNING = replace(MAILING, status="running", plan=Plan("tag", 5000, 3, 2))


CONDITION = Group("all", (Leaf("attributes.возраст", "at_least", Decimal("17.5")), Leaf("registered_at", "since", NOW)))


def test_a_condition_and_the_mailings_that_it_names_are_read_as_they_were_written(services: Any) -> None:
    mailing = replace(MAILING, chosen=replace(MAILING.chosen, condition=Group("any", (CONDITION, Received(7, False)))))
    services.mailings.add(mailing)
    assert services.mailings.get(1) == mailing
    named = (NamedMailing(7, 3, 5000),)
    after = services.mailings.change(
        mailing, replace(mailing, status="running", plan=Plan("block", 9, 1, 1, None, named))
    )
    assert services.mailings.get(1) == after
    assert services.mailings.outlines([1])[1].key_of(9) == MessageKey(1, 9, 1)
    changed = services.mailings.change(after, replace(after, chosen=Filter(("тег",))))
    assert services.mailings.get(1) == changed


def test_an_earlier_version_reads_a_mailing_with_a_condition_as_one_to_nobody() -> None:
    """It knows the tags, the codes and the plan without the named mailings."""
    stored = stored_filter(Filter(("тег",), ("977",), CONDITION))
    [tag] = stored["tags"]
    assert "," in tag, "no client has such a tag"
    read = read_filter(stored["tags"], stored["operator_codes"], stored["filter"])
    assert read == Filter(("тег",), ("977",), CONDITION)
    plan = Plan("block", 9, 1, 1, named=(NamedMailing(7, 3, 5000),))
    assert Plan(**stored_plan(plan)["plan"]) == replace(plan, named=None)
    assert stored_plan(None) == {"plan": None, "named": None}


def test_former_texts_are_read_as_they_were_written(services: Any) -> None:
    services.mailings.add(MAILING)
    after = services.mailings.change(MAILING, replace(MAILING, former_texts=(FormerText(NOW, "раньше"),)))
    assert services.mailings.get(1) == after
    assert services.mailings.outlines([1])[1].former_texts == after.former_texts


def finish(services: Any, mailing: Mailing, counts: Counts) -> Mailing:
    found: Mailing = services.mailings.end(mailing, ended(mailing, counts, NOW))
    return found


def test_a_mailing_is_read_as_it_was_added(services: Any) -> None:
    services.mailings.add(MAILING)
    assert services.mailings.get(1) == MAILING
    assert services.mailings.get(2) is None
    assert services.mailings.get_many([1, 2]) == {1: MAILING}
    assert services.mailings.active_ids(NOW) == [1]
    assert services.counters.totals() == (1, Counts())


def test_a_search_reads_a_part_of_each_mailing(services: Any) -> None:
    segment = Segment(7, "vip", CONDITION)
    services.mailings.add(replace(MAILING, chosen=Filter(segment=segment)))
    services.mailings.add(replace(MAILING, id=2, counts=Counts()))
    services.mailings.add_counts(2, Counts(total=5), NOW)
    found = {one.id: one for one in services.mailings.listed([1, 2, 3])}
    assert found[1] == ListedMailing(1, MAILING.status, MAILING.datetime_start, MAILING.message_text, 7, 0)
    assert (found[2].segment_id, found[2].total, len(found)) == (None, 5, 2)


def test_scheduled_mailings_are_found_by_their_start(services: Any) -> None:
    for number, hours in ((1, 3), (2, 1), (3, 2)):
        start = NOW + timedelta(hours=hours)
        services.mailings.add(
            replace(MAILING, id=number, datetime_start=start, datetime_end=start + timedelta(hours=9))
        )
    from_now, later = NOW, NOW + timedelta(hours=3)
    assert services.mailings.scheduled_ids(from_now, later, 9) == [2, 3]
    assert services.mailings.scheduled_ids(from_now, later + timedelta(seconds=1), 2) == [2, 3]
    assert services.mailings.scheduled_ids(later, later + timedelta(seconds=1), 9) == [1]


def test_the_outlines_of_mailings_have_what_a_history_shows(services: Any) -> None:
    services.mailings.add(replace(MAILING, purpose="marketing"))
    services.mailings.add(replace(RUNNING, id=2, message_text="{имя}, привет"))
    found = services.mailings.outlines([1, 2, 3])
    assert found == {
        1: MailingOutline(1, NOW, "привет", "marketing", None),
        2: MailingOutline(2, NOW, "{имя}, привет", "service", RUNNING.plan),
    }
    assert found[2].key_of(5000) == MessageKey(2, 5000, 2)
    assert found[1].key_of(1) is None, "not started"
    assert found[2].key_of(5001) is None, "registered after the start"


def test_a_mailing_that_starts_later_is_counted_and_not_listed_until_its_start(services: Any) -> None:
    later = replace(MAILING, datetime_start=NOW + timedelta(days=9), datetime_end=NOW + timedelta(days=10))
    services.mailings.add(MAILING)
    services.mailings.add(replace(later, id=2))
    services.mailings.add(replace(RUNNING, id=3))
    assert sorted(services.mailings.active_ids(NOW)) == [1, 3]
    assert services.mailings.scheduled_number(NOW) == 1
    assert sorted(services.mailings.active_ids(later.datetime_start)) == [1, 2, 3]
    assert services.mailings.scheduled_number(later.datetime_start) == 0
    services.mailings.change(services.mailings.get(2), replace(services.mailings.get(2), status="running"))
    assert sorted(services.mailings.active_ids(NOW)) == [1, 2, 3]
    assert services.mailings.scheduled_number(NOW) == 0


def test_a_decision_is_written_once(services: Any) -> None:
    services.mailings.add(MAILING)
    changed = services.mailings.change(MAILING, replace(RUNNING, chosen=Filter(), progress_at=NOW))
    assert changed.version == 2
    assert services.mailings.get(1) == changed
    with pytest.raises(RowChanged):
        services.mailings.change(MAILING, replace(MAILING, message_text="late"))


def test_a_change_keeps_counts_that_were_added_meanwhile(services: Any) -> None:
    services.mailings.add(RUNNING)
    services.mailings.add_counts(1, Counts(total=5, sent=2), NOW)
    services.mailings.change(RUNNING, replace(RUNNING, message_text="new"))
    found = services.mailings.get(1)
    assert found.counts == Counts(total=5, sent=2)
    assert found.message_text == "new"


def test_counts_are_added_and_the_mailing_is_returned(services: Any) -> None:
    services.mailings.add(RUNNING)
    services.mailings.add_counts(1, Counts(total=3), NOW)
    found = services.mailings.add_counts(1, Counts(total=2, sent=1, expired=-1), NOW)
    assert found.counts == Counts(total=5, sent=1, expired=-1)
    assert found.progress_at == NOW
    assert found.version == RUNNING.version
    assert services.mailings.add_counts(2, Counts(total=1), NOW) is None
    assert services.mailings.get(2) is None


def money(counts: Counts) -> tuple[int, int]:
    return counts.parts, counts.cost


def test_parts_and_cost_are_added_with_the_counts_corrected_by_rounds_and_moved_into_the_totals(services: Any) -> None:
    services.mailings.add(RUNNING)
    spent = Counts(total=3, sent=2, parts=4, cost=9_000_000_000_000_001)
    services.mailings.add_counts(1, spent, NOW)
    assert money(services.mailings.get(1).counts) == (4, 9_000_000_000_000_001)
    begun = services.mailings.begin_round(services.mailings.get(1), NOW)
    found = replace(begun.counts, parts=6, cost=11)
    concluded = services.mailings.conclude_round(begun, replace(begun, concluded_rounds=1, counts=found))
    assert money(concluded.counts) == (6, 11)
    finish(services, concluded, Counts(total=3, sent=3, parts=7, cost=12))
    assert money(services.mailings.get(1).counts) == (7, 12)
    assert money(services.counters.totals()[1]) == (7, 12)


def test_a_maximum_cost_is_stored_changed_and_removed(services: Any) -> None:
    services.mailings.add(replace(RUNNING, max_cost=1_500_000))
    found = services.mailings.get(1)
    assert found.max_cost == 1_500_000
    changed = services.mailings.change(found, replace(found, max_cost=0))
    assert services.mailings.get(1).max_cost == 0
    services.mailings.change(changed, replace(changed, max_cost=None))
    assert services.mailings.get(1).max_cost is None


def test_the_end_of_the_fan_out_stores_the_exact_total(services: Any) -> None:
    services.mailings.add(RUNNING)
    services.mailings.add_counts(1, Counts(total=3, sent=1), NOW)
    found = services.mailings.mark_fanned_out(1, 7, NOW)
    assert found.is_fanned_out
    assert found.counts == Counts(total=7, sent=1)


def test_reconciliation_rounds_are_numbered_and_begun_once(services: Any) -> None:
    services.mailings.add(RUNNING)
    begun = services.mailings.begin_round(RUNNING, NOW)
    assert (begun.rounds, begun.round_started_at) == (1, NOW)
    with pytest.raises(RowChanged):
        services.mailings.begin_round(RUNNING, NOW)
    assert services.mailings.begin_round(begun, NOW).rounds == 2


def test_a_finished_mailing_has_reconciled_counts_and_is_in_the_totals(services: Any) -> None:
    services.mailings.add(RUNNING)
    services.mailings.add_counts(1, Counts(total=9, sent=1), NOW)
    counts = Counts(total=5, sent=3, failed=1, cancelled=1)
    finished = finish(services, services.mailings.get(1), counts)
    assert finished.status == "finished"
    assert services.mailings.get(1).counts == counts
    assert services.mailings.active_ids(NOW) == []
    assert services.counters.totals() == (1, counts)
    with pytest.raises(RowChanged):
        finish(services, RUNNING, counts)
    assert services.counters.totals() == (1, counts)


def test_counts_added_after_the_finish_are_already_in_the_reconciled_counts(services: Any) -> None:
    services.mailings.add(RUNNING)
    counts = Counts(total=5, sent=5)
    finish(services, RUNNING, counts)
    assert services.mailings.add_counts(1, Counts(sent=1), NOW) is None
    assert services.mailings.get(1).counts == counts


def test_a_resumed_mailing_leaves_the_totals_until_it_is_finished_again(services: Any) -> None:
    services.mailings.add(RUNNING)
    finished = finish(services, RUNNING, Counts(total=5, sent=3, expired=2))
    resumed = services.mailings.change(finished, replace(finished, status="running", ended_at=None))
    assert services.counters.totals() == (1, Counts())
    assert services.mailings.active_ids(NOW) == [1]
    finish(services, resumed, Counts(total=5, sent=5))
    assert services.counters.totals() == (1, Counts(total=5, sent=5))


def test_a_decision_invalidates_the_rounds_under_way(services: Any) -> None:
    services.mailings.add(RUNNING)
    begun = services.mailings.begin_round(RUNNING, NOW)
    changed = services.mailings.change(begun, replace(begun, message_text="new"))
    assert (changed.rounds, changed.first_valid_round) == (1, 2)


def test_orders_are_kept_until_they_are_carried_out(services: Any) -> None:
    paused = replace(RUNNING, status="paused", datetime_end=NOW + timedelta(hours=9))
    services.mailings.add(paused)
    ordered = services.mailings.change(paused, resent(resumed(paused, NOW), ["failed", "unknown"], NOW))
    assert (ordered.requeue, ordered.resend, ordered.resends) == (True, ("failed", "unknown"), 1)
    begun = services.mailings.begin_round(ordered, NOW)
    services.mailings.conclude_round(begun, concluded(begun, begun.counts, held=0))
    found = services.mailings.get(1)
    assert (found.requeue, found.resend, found.resends) == (False, (), 1)
    services.mailings.change(found, replace(found, message_text="new"))
    with pytest.raises(RowChanged):
        services.mailings.conclude_round(begun, concluded(begun, begun.counts, held=0))


def test_a_round_that_is_begun_knows_what_it_does_and_what_it_costs(services: Any) -> None:
    services.mailings.add(RUNNING)
    begun = services.mailings.begin_round(RUNNING, NOW, QUEUE_OVERDUE)
    assert services.mailings.get(1) == begun
    assert is_running(begun)
    assert (begun.round_requeues, begun.rounds_charged_until) == (QUEUE_OVERDUE, NOW + ROUND_PRICE)


def test_a_round_is_continued_by_one_of_two_sweeps(services: Any) -> None:
    services.mailings.add(RUNNING)
    begun = services.mailings.begin_round(RUNNING, NOW)
    later = NOW + timedelta(minutes=3)
    services.mailings.continue_round(begun, later)
    assert services.mailings.get(1).round_queued_at == later
    with pytest.raises(RowChanged):
        services.mailings.continue_round(begun, later)


def test_a_concluded_round_corrects_the_counts_and_keeps_what_was_counted_meanwhile(services: Any) -> None:
    services.mailings.add(RUNNING)
    services.mailings.add_counts(1, Counts(total=9, expired=6), NOW)
    begun = services.mailings.begin_round(services.mailings.get(1), NOW + timedelta(minutes=1))
    services.mailings.add_counts(1, Counts(sent=2), NOW + timedelta(minutes=1))
    after = services.mailings.conclude_round(begun, concluded(begun, Counts(total=9), held=0))
    assert after.counts == Counts(total=9, sent=2)
    assert not is_running(after)
    assert services.mailings.get(1) == after


def test_a_round_that_is_concluded_twice_corrects_the_counts_once(services: Any) -> None:
    """As botocore does if the answer to the first write is lost."""
    services.mailings.add(RUNNING)
    services.mailings.add_counts(1, Counts(total=9, expired=6), NOW)
    begun = services.mailings.begin_round(services.mailings.get(1), NOW + timedelta(minutes=1))
    after = services.mailings.conclude_round(begun, concluded(begun, Counts(total=9), held=0))
    with pytest.raises(RowChanged):
        services.mailings.conclude_round(begun, concluded(begun, Counts(total=9), held=0))
    assert services.mailings.get(1).counts == after.counts == Counts(total=9)


def test_a_correction_of_the_counts_is_no_progress(services: Any) -> None:
    services.mailings.add(RUNNING)
    services.mailings.add_counts(1, Counts(total=5, sent=2), NOW, reached_at=NOW - timedelta(seconds=9))
    services.mailings.correct_counts(1, Counts(sent=-2, expired=1))
    services.mailings.record_wait(1, OPENS)
    found = services.mailings.get(1)
    assert (found.counts, found.progress_at) == (Counts(total=5, expired=1), NOW)
    assert (found.reached_at, found.waits_until) == (NOW - timedelta(seconds=9), OPENS)


def test_a_cancelled_mailing_is_open_until_its_messages_are_closed(services: Any) -> None:
    services.mailings.add(RUNNING)
    stopped = services.mailings.change(RUNNING, cancelled(RUNNING, NOW))
    assert services.mailings.active_ids(NOW) == [1]
    assert services.mailings.add_counts(1, Counts(total=2), NOW) is not None
    assert services.counters.totals() == (1, Counts())
    found = finish(services, stopped, Counts(total=2, cancelled=1, unknown=1))
    assert (found.status, found.ended_at) == ("cancelled", NOW)
    assert services.mailings.active_ids(NOW) == []
    assert services.counters.totals() == (1, Counts(total=2, cancelled=1, unknown=1))


def test_the_time_of_the_last_post_is_stored_with_the_counts_and_the_attempts_at_the_end(services: Any) -> None:
    services.mailings.add(RUNNING)
    post = NOW + timedelta(seconds=5)
    assert services.mailings.add_counts(1, Counts(sent=1), NOW, post).last_post_at == post
    assert services.mailings.add_counts(1, Counts(failed=1), NOW).last_post_at == post
    mailing = services.mailings.get(1)
    after = replace(ended(mailing, Counts(total=1, sent=1), NOW), last_post_at=NOW, attempts=2)
    services.mailings.end(mailing, after)
    done = services.mailings.get(1)
    assert (done.last_post_at, done.attempts) == (NOW, 2)


@pytest.mark.parametrize("finished", [True, False])
def test_a_deleted_mailing_is_not_in_the_totals(services: Any, finished: bool) -> None:
    services.mailings.add(RUNNING)
    mailing = finish(services, RUNNING, Counts(total=5, sent=5)) if finished else RUNNING
    services.mailings.remove(mailing)
    assert services.mailings.get(1) is None
    assert services.counters.totals() == (0, Counts())
    with pytest.raises(RowChanged):
        services.mailings.remove(mailing)


def test_ids_are_given_in_order_and_once(services: Any) -> None:
    assert services.counters.last_id("mailing_id") == 0
    assert [services.counters.next_id("mailing_id") for _ in range(3)] == [1, 2, 3]
    assert services.counters.next_id("client_id") == 1
    assert services.counters.last_id("mailing_id") == 3


OPENS = NOW + timedelta(hours=9)


def test_hours_are_stored_and_removed(services: Any) -> None:
    by_day = replace(MAILING, window=SendWindow(time(9), time(21, 30)))
    services.mailings.add(by_day)
    assert services.mailings.get(1) == by_day
    changed = services.mailings.change(by_day, replace(by_day, window=None))
    assert services.mailings.get(1) == changed
    assert changed.window is None


def test_an_opening_is_stored_until_its_release(services: Any) -> None:
    by_day = replace(RUNNING, window=SendWindow(time(9), time(21, 30)))
    services.mailings.add(by_day)
    for moment in (OPENS, NOW, OPENS):
        services.mailings.await_release(1, moment)
    assert services.mailings.get(1).releases == {NOW, OPENS}
    begun = services.mailings.begin_round(by_day, NOW)
    assert services.mailings.conclude_round(begun, concluded(begun, Counts(total=5), held=5)).awaits_hours
    services.mailings.mark_released(1, NOW)
    services.mailings.mark_released(1, NOW)
    found = services.mailings.get(1)
    assert (found.releases, found.awaits_hours, found.version) == ({OPENS}, False, RUNNING.version)
    services.mailings.mark_released(1, OPENS, posting_since=OPENS)
    assert services.mailings.get(1).releases == frozenset()
    assert services.mailings.get(1).posting_since == OPENS


def test_a_decision_writes_since_when_a_mailing_posts_only_if_it_changes_that(services: Any) -> None:
    services.mailings.add(RUNNING)
    services.mailings.mark_released(1, OPENS, posting_since=OPENS)
    services.mailings.change(RUNNING, replace(RUNNING, message_text="new"))
    before = services.mailings.get(1)
    assert before.posting_since == OPENS
    services.mailings.change(before, resent(before, ["failed"], NOW))
    assert services.mailings.get(1).posting_since == NOW


def test_a_decision_keeps_openings_stored_meanwhile_unless_it_drops_them(services: Any) -> None:
    services.mailings.add(RUNNING)
    services.mailings.await_release(1, OPENS)
    services.mailings.change(RUNNING, replace(RUNNING, message_text="new"))
    before = services.mailings.get(1)
    assert before.releases == {OPENS}
    services.mailings.change(before, replace(before, releases=frozenset()))
    assert services.mailings.get(1).releases == frozenset()


def test_no_opening_is_stored_for_a_deleted_mailing(services: Any) -> None:
    services.mailings.await_release(1, OPENS)
    assert services.mailings.get(1) is None


def test_a_canary_admits_as_many_messages_as_requested_and_decisions_keep_that_number(services: Any) -> None:
    out = replace(RUNNING, canary=Canary(2, 0))
    services.mailings.add(out)
    assert services.mailings.get(1) == out
    gone = [services.mailings.admit_to_canary(1, NOW) for _ in range(3)]
    assert [one.canary.admitted if one else None for one in gone] == [1, 2, None]
    assert (gone[1].progress_at, gone[1].version) == (NOW, out.version)
    passed = services.mailings.change(out, replace(out, canary=Canary(2, 0, is_passed=True), message_text="new"))
    assert services.mailings.get(1).canary == Canary(2, 0, admitted=2, is_passed=True)
    assert not passed.awaits_canary


def test_a_decision_can_pass_the_canary_and_stores_the_reason_of_a_pause(services: Any) -> None:
    services.mailings.add(replace(RUNNING, canary=Canary(5)))
    for _ in range(5):
        out = services.mailings.admit_to_canary(1, NOW)
    after = replace(out, canary=replace(out.canary, admitted=3), status="paused", paused_because=PAUSED_BECAUSE)
    services.mailings.change(out, after)
    found = services.mailings.get(1)
    assert (found.canary.admitted, found.paused_because) == (3, PAUSED_BECAUSE)
    assert services.mailings.admit_to_canary(1, NOW) is None, "the mailing is paused"


def test_no_message_is_admitted_for_a_deleted_mailing_or_without_a_canary(services: Any) -> None:
    services.mailings.add(RUNNING)
    assert services.mailings.admit_to_canary(1, NOW) is None
    assert services.mailings.admit_to_canary(2, NOW) is None
    assert services.mailings.get(2) is None


def test_the_time_until_which_rows_are_kept_is_stored_with_the_start(services: Any) -> None:
    expires_at = NOW + timedelta(days=400)
    services.mailings.add(MAILING)
    services.mailings.change(MAILING, replace(MAILING, status="running", rows_expire_at=expires_at))
    assert services.mailings.get(MAILING.id).rows_expire_at == expires_at


def test_answers_are_added_by_all_senders_from_the_first_doubtful_one_on(services: Any) -> None:
    services.mailings.add(RUNNING)
    services.mailings.add_answers(1, Answers(3, 2, 1), NOW)
    changed = services.mailings.add_answers(1, Answers(0, 5), NOW + timedelta(minutes=1))
    assert changed.answers == Answers(3, 7, 1, NOW) == services.mailings.get(1).answers
    assert changed.version == RUNNING.version
    assert services.mailings.clear_answers(1).answers == NO_ANSWERS == services.mailings.get(1).answers
    assert services.mailings.add_answers(2, Answers(1), NOW) is None


def test_refusals_are_added_by_all_senders_from_the_first_one_on(services: Any) -> None:
    services.mailings.add(RUNNING)
    assert services.mailings.get(1).refusals == NO_REFUSALS, "a row from before they were counted has no attribute"
    services.mailings.add_refusals(1, Refusals(sender=2), NOW)
    changed = services.mailings.add_refusals(1, Refusals(1, 3, 4), NOW + timedelta(minutes=1))
    assert changed.refusals == Refusals(1, 3, 6, NOW) == services.mailings.get(1).refusals
    assert changed.version == RUNNING.version
    assert services.mailings.clear_refusals(1).refusals == NO_REFUSALS == services.mailings.get(1).refusals
    assert services.mailings.add_refusals(2, Refusals(1), NOW) is None


def test_only_a_resume_clears_the_answers_and_the_refusals(services: Any) -> None:
    services.mailings.add(RUNNING)
    services.mailings.add_answers(1, Answers(0, 20, 20), NOW)
    counted = services.mailings.add_refusals(1, Refusals(balance=5), NOW)
    out = services.mailings.change(RUNNING, replace(RUNNING, status="paused", paused_because=PAUSED_BECAUSE))
    paused = services.mailings.get(1)
    assert (paused.answers, paused.refusals) == (counted.answers, counted.refusals)
    services.mailings.change(out, replace(out, status="running", paused_because=None))
    resumed = services.mailings.get(1)
    assert (resumed.answers, resumed.refusals) == (NO_ANSWERS, NO_REFUSALS)


def test_a_feed_is_begun_once_and_ended_unless_another_one_has_begun(services: Any) -> None:
    services.mailings.add(MAILING)
    services.mailings.await_feed(1)
    before = services.mailings.get(1)
    assert (before.awaits_feed, before.is_feeding, before.feed) == (True, False, 0)
    begun = services.mailings.begin_feed(before)
    assert (begun.awaits_feed, begun.is_feeding, begun.feed) == (False, True, 1)
    assert services.mailings.begin_feed(before) is None
    second = services.mailings.begin_feed(begun)
    services.mailings.end_feed(begun)
    assert services.mailings.get(1).is_feeding
    services.mailings.end_feed(second)
    assert (services.mailings.get(1).is_feeding, services.mailings.get(1).feed) == (False, 2)


def test_a_decision_keeps_the_feed_unless_it_orders_a_requeue(services: Any) -> None:
    services.mailings.add(replace(MAILING, status="running"))
    begun = services.mailings.begin_feed(services.mailings.get(1))
    changed = services.mailings.change(begun, replace(begun, message_text="other"))
    assert services.mailings.get(1).is_feeding
    services.mailings.change(changed, replace(changed, requeue=True, is_feeding=False))
    assert (services.mailings.get(1).is_feeding, services.mailings.get(1).feed) == (False, 1)
