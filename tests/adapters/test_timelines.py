from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.audience_slice import ShardReport
from chalicelib.domain.reasons import OTHER, Reason
from chalicelib.texts import Text

KEPT = datetime(2027, 12, 1, tzinfo=UTC)
REFUSED = Reason("failed", Text("gateway.refused_by_code", status=200, answered="[11].a"))
DOUBTS = Reason("unknown", Text("message.doubts", number=3, last=Text("gateway.answered", status=500)))


def test_reasons_are_added_and_read(services: Any) -> None:
    assert services.timelines.reasons(1) == Counter()
    services.timelines.add_reasons(1, Counter({REFUSED: 2, DOUBTS: 1}), KEPT)
    services.timelines.add_reasons(1, Counter({REFUSED: 5, Reason("failed", OTHER): 1}), KEPT)
    services.timelines.add_reasons(2, Counter({REFUSED: 9}), KEPT)
    assert services.timelines.reasons(1) == Counter({REFUSED: 7, DOUBTS: 1, Reason("failed", OTHER): 1})


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
