from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pynamodb.expressions.operand import Path

from chalicelib.adapters.tables.mailing_row import MailingRow
from chalicelib.domain.audience_slice import ShardReport
from chalicelib.domain.counts import Counts
from chalicelib.domain.gateway_posts import GatewayPosts
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.reasons import OTHER, Reason
from chalicelib.domain.timeline import MINUTE, Sample
from chalicelib.texts import Text
from infra.local.doubles.fakes import FakeServices

KEPT = datetime(2027, 12, 1, tzinfo=UTC)
REFUSED = Reason("failed", Text("gateway.refused_by_code", status=200, answered="[11].a"))
DOUBTS = Reason("unknown", Text("message.doubts", number=3, last=Text("gateway.answered", status=500)))


def test_reasons_are_added_and_read(services: Any) -> None:
    assert services.timelines.reasons(1) == Counter()
    services.timelines.add_reasons(1, Counter({REFUSED: 2, DOUBTS: 1}), KEPT)
    services.timelines.add_reasons(1, Counter({REFUSED: 5, Reason("failed", OTHER): 1}), KEPT)
    services.timelines.add_reasons(2, Counter({REFUSED: 9}), KEPT)
    assert services.timelines.reasons(1) == Counter({REFUSED: 7, DOUBTS: 1, Reason("failed", OTHER): 1})
    services.timelines.add_reasons(1, Counter({REFUSED: -3, DOUBTS: -2}), KEPT)
    assert services.timelines.reasons(1) == Counter({REFUSED: 4, DOUBTS: -1, Reason("failed", OTHER): 1})


def test_the_reasons_of_a_round_replace_those_that_were_added(services: Any) -> None:
    services.timelines.add_reasons(1, Counter({REFUSED: 2, DOUBTS: 1}), KEPT)
    services.timelines.replace_reasons(1, Counter({REFUSED: 3}), KEPT)
    assert services.timelines.reasons(1) == Counter({REFUSED: 3})
    services.timelines.replace_reasons(1, Counter(), KEPT)
    assert services.timelines.reasons(1) == Counter()


def test_the_report_on_a_shard_keeps_its_reasons(services: Any) -> None:
    report = ShardReport(reasons=Counter({REFUSED: 2, DOUBTS: 1}))
    services.slices.report(1, 1, 0, report, KEPT)
    assert services.slices.report_of(1, 1, 0) == report


def test_waves_are_added_and_replaced(services: Any) -> None:
    assert services.timelines.waves(1) == Counter()
    services.timelines.add_waves(1, Counter({("sent", -150): 2, ("not_sent", 720): 1}), KEPT)
    services.timelines.add_waves(1, Counter({("sent", -150): 3, ("moved", 720): -1}), KEPT)
    services.timelines.add_waves(2, Counter({("sent", 180): 9}), KEPT)
    assert services.timelines.waves(1) == Counter({("sent", -150): 5, ("not_sent", 720): 1, ("moved", 720): -1})
    services.timelines.replace_waves(1, Counter({("planned", 180): 4}), KEPT)
    assert services.timelines.waves(1) == Counter({("planned", 180): 4})
    services.timelines.add_waves(1, Counter({("sent", 180): 1}), KEPT)
    assert services.timelines.waves(1) == Counter({("planned", 180): 4, ("sent", 180): 1})


def test_the_report_on_a_shard_keeps_its_waves(services: Any) -> None:
    report = ShardReport(waves=Counter({("planned", 180): 4, ("sent", -150): 1}))
    services.slices.report(1, 1, 0, report, KEPT)
    assert services.slices.report_of(1, 1, 0) == report


def test_samples_are_kept_one_a_minute_and_read_in_their_order(services: Any) -> None:
    begin = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)
    samples = [Sample(begin + minute * MINUTE, Counts(total=9, sent=minute), minute, 40) for minute in range(12)]
    for sample in reversed(samples):
        services.timelines.keep_sample(1, sample, KEPT)
    services.timelines.keep_sample(2, samples[0], KEPT)
    services.timelines.add_reasons(1, Counter({REFUSED: 2}), KEPT)
    assert services.timelines.samples(1) == samples
    assert services.timelines.samples(1, newest=3) == samples[-3:]
    again = replace(samples[-1], at=samples[-1].at + timedelta(seconds=5))
    services.timelines.keep_sample(1, again, KEPT)
    assert services.timelines.samples(1, newest=1) == [again]
    assert services.timelines.reasons(1) == Counter({REFUSED: 2})


def test_what_the_posts_of_a_batch_took_is_added_to_the_mailing(services: Any) -> None:
    services.mailings.add(Mailing(1, KEPT, KEPT, "text"))
    for _ in range(2):
        services.mailings.add_counts(1, Counts(sent=3), KEPT, posts=3, milliseconds=120)
    found = services.mailings.get(1)
    assert (found.posts, found.post_milliseconds) == (6, 240)


def test_the_posts_to_each_gateway_are_added_to_the_mailing_and_read_in_every_way(services: Any) -> None:
    services.mailings.add(Mailing(1, KEPT, KEPT, "text"))
    services.mailings.add(Mailing(2, KEPT, KEPT, "text"))
    at = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)
    first = {"smsc": GatewayPosts(accepted=2, failed=1, milliseconds=300, accepted_at=at)}
    more = {"smsc": GatewayPosts(refused=1, milliseconds=50), "the-other": GatewayPosts(doubtful=1)}
    services.mailings.add_counts(1, Counts(sent=2), KEPT, by_gateway=first)
    changed = services.mailings.add_counts(1, Counts(sent=1), KEPT, by_gateway=more)
    expected = {
        "smsc": GatewayPosts(accepted=2, refused=1, failed=1, milliseconds=350, accepted_at=at),
        "the-other": GatewayPosts(doubtful=1),
    }
    decided = services.mailings.change(changed, replace(changed, message_text="another"))
    for found in (changed, services.mailings.get(1), services.mailings.get_many([1])[1], decided):
        assert found.by_gateway == expected
    assert services.mailings.get(2).by_gateway == {}
    sample = Sample(at, Counts(total=3), 4, 350, {"smsc": GatewayPosts(accepted=2, refused=1, milliseconds=350)})
    services.timelines.keep_sample(1, sample, KEPT)
    assert services.timelines.samples(1) == [sample]


def test_what_a_later_version_counts_by_gateway_is_left_out(services: Any) -> None:
    if isinstance(services, FakeServices):
        return
    services.mailings.add(Mailing(1, KEPT, KEPT, "text"))
    MailingRow(1).update(actions=[Path(["via#smsc#asked"]).add(1), Path(["via#smsc#accepted"]).add(2)])
    assert services.mailings.get(1).by_gateway == {"smsc": GatewayPosts(accepted=2)}
