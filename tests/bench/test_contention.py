"""Workers and senders that write to the same throttled partitions."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.aws_limits import homes_of_shards
from bench.contention import Contention, Flow
from bench.statements import Load
from chalicelib.delivery.queueing import SECONDS_FOR_A_PAGE
from infra.local.doubles.partition import COLD_WRITES, PARTITION_WRITES


def flow(load: Load) -> Flow:
    return Contention(load).run(seconds=40, warm_up=10)


def capacity(load: Load) -> float:
    """Rows a second that spread over the shards evenly, as the fullest partition allows."""
    fullest = max(Counter(homes_of_shards(load.shards, load.writes // PARTITION_WRITES)).values())
    return PARTITION_WRITES * load.shards / fullest


def test_pauses_between_the_tries_of_throttled_parts_leave_no_capacity_unused() -> None:
    load = Load(shards=500, writes=COLD_WRITES, walkers=20)
    assert flow(load).rows == pytest.approx(capacity(load), rel=0.1)


def test_a_page_that_is_throttled_for_long_is_returned_before_its_invocation_ends() -> None:
    busy = flow(Load(shards=50, writes=COLD_WRITES, walkers=40))
    assert busy.returned > 0
    assert busy.slowest_page < SECONDS_FOR_A_PAGE


def test_one_worker_alone_is_not_throttled() -> None:
    alone = flow(Load(shards=500, writes=COLD_WRITES, walkers=1))
    assert alone.returned == 0
    assert alone.slowest_page < 2


def test_senders_post_while_workers_keep_the_table_full() -> None:
    both = flow(Load(shards=500, writes=COLD_WRITES, walkers=40, senders=50, posts=2850))
    assert both.posts > 100
    assert both.rows + 2 * both.posts < 1.1 * capacity(Load(shards=500, writes=COLD_WRITES, walkers=40))


def test_senders_alone_get_what_the_table_takes() -> None:
    load = Load(shards=500, writes=COLD_WRITES, walkers=0, senders=200, posts=11_400)
    assert 2 * flow(load).posts == pytest.approx(capacity(load), rel=0.1)
