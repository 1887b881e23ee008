"""The simulation of large mailings, with small numbers: its promises, and the limit that it names."""

from __future__ import annotations

import pytest

from bench.aws_limits import COLD_WRITES, IN_FLIGHT, PARTITION_WRITES, SECONDS_TO_DOUBLE, Feed, Table, fullest_partition
from bench.conditions import walk_all
from bench.growth import time_per_message
from bench.lambda_time import deciding_seconds
from bench.rate_races import simulate
from bench.scale import PROMISE, WARM
from bench.simulated_fan_out import FanOut
from bench.simulation import PAGE_SECONDS, Scenario, Simulation
from chalicelib.delivery.fanout import SECONDS_FOR_A_PAGE
from chalicelib.domain.audience import plan_audience
from chalicelib.domain.filter import ALL_CLIENTS
from chalicelib.domain.rate import buckets_of
from tests.depth import depth

TEN_MILLION = 10_000_000


def test_ten_million_messages_are_fanned_out_in_ten_minutes_on_a_warm_table() -> None:
    outcome = Simulation(Scenario(TEN_MILLION, WARM, senders=50)).run()
    assert outcome.fanned_out < PROMISE
    assert outcome.fan_out_bound_by in {"slices", "the fullest partition"}
    assert outcome.sending_bound_by == "senders"


@pytest.mark.parametrize("named", [0, 5])
def test_a_million_clients_are_walked_and_fanned_out_in_ten_minutes_if_no_index_serves_the_condition(
    named: int,
) -> None:
    """On a new table, in the worst case: the condition chooses everyone, and each client is looked up."""
    outcome = Simulation(Scenario(10**6, senders=50, deciding=deciding_seconds(1000, named))).run()
    assert outcome.fanned_out < PROMISE


def test_a_condition_reads_each_client_once_and_looks_up_those_that_the_rest_leaves_open() -> None:
    found, clients, messages = walk_all(30_000)
    assert 0 < found < messages.keys < 30_000
    assert clients.reads <= 30_000 / 1000 + 5


def test_a_new_table_limits_the_fan_out_and_no_page_outlasts_its_invocation() -> None:
    simulation = Simulation(Scenario(TEN_MILLION, senders=2))
    while simulation.now < 3 * PROMISE:
        simulation.second()
    assert simulation.fan_out.slices_left
    assert simulation.fan_out_bounds.most_common(1)[0][0] == "the fullest partition"
    assert simulation.slowest_page < SECONDS_FOR_A_PAGE


@pytest.mark.parametrize(("senders", "rate", "bound_by"), [(2, None, "senders"), (50, 100.0, "the gateway's rate")])
def test_the_limit_of_the_sending_is_named(senders: int, rate: float | None, bound_by: str) -> None:
    outcome = Simulation(Scenario(50_000, senders=senders, rate=rate)).run()
    assert outcome.sending_bound_by == bound_by


def test_a_mailing_with_a_rate_limit_is_exactly_as_fast_as_the_limit() -> None:
    outcome = Simulation(Scenario(50_000, senders=50, rate=100)).run()
    assert 500 <= outcome.sent <= 530


def test_few_of_the_messages_that_a_rate_limit_delays_are_in_flight() -> None:
    rate = depth(full=1000, quick=250)
    simulation = Simulation(Scenario(2000 * rate, WARM, senders=50, rate=rate))
    while simulation.now < 1800:
        simulation.second()
    assert simulation.most_in_flight < IN_FLIGHT / 6, "5,000 of these are posted, the others wait for a permit"
    assert simulation.sent == pytest.approx(1800 * rate, rel=0.05)


def test_the_walk_finds_every_client_once() -> None:
    fan_out = FanOut(plan_audience(ALL_CLIENTS, 123_456))
    assert sum(fan_out.walk(2.5) for _ in range(100)) == 123_456
    assert not fan_out.slices_left


def test_a_worker_walks_the_slice_of_a_small_mailing_in_one_invocation() -> None:
    plan = plan_audience(ALL_CLIENTS, 100_000)
    assert 100_000 / plan.slices / 1000 * PAGE_SECONDS < 45


def test_a_partition_gets_a_thousand_writes_a_second_and_doubles_after_half_an_hour() -> None:
    table = Table()
    assert table.writes == COLD_WRITES
    assert table.takes(1) == PARTITION_WRITES
    assert PARTITION_WRITES < table.takes(1000) <= COLD_WRITES
    for _ in range(SECONDS_TO_DOUBLE):
        table.note(COLD_WRITES, 1000)
    assert table.writes == 2 * COLD_WRITES


def test_more_shards_spread_the_load_more_evenly() -> None:
    loads = [fullest_partition(shards, 40) / (shards / 40) for shards in (64, 500, 2000)]
    assert loads == sorted(loads, reverse=True)


def test_lambda_starts_with_five_batches_and_adds_three_hundred_a_minute() -> None:
    assert [Feed(200).executions(seconds) for seconds in (0, 10, 60)] == [5, 55, 200]


def test_the_measurement_of_growth_writes_and_queues_a_message_for_each_client() -> None:
    assert list(time_per_message(1_000))


def test_fifty_senders_lose_few_races_for_permits() -> None:
    """With one row for all of them they lost 65 % of their writes; with the rows of the limit they lose 6 %."""
    one_row, rows = simulate(50, 1000, 1, 5), simulate(50, 1000, buckets_of(1000), 5)
    assert rows.lost / rows.writes < 0.1 < 0.4 < one_row.lost / one_row.writes
    assert rows.given_up == 0
    assert rows.permits == pytest.approx(5 * 1000, rel=0.35), "with the permits of the first moment"
