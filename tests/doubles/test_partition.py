"""The arithmetic of DynamoDB's partitions, which the simulation and the hostile double share."""

from __future__ import annotations

from collections import Counter

import pytest

from infra.local.doubles.partition import (
    PARTITION_READS,
    PARTITION_WRITES,
    Units,
    partition_of,
    read_units,
    size_of,
    write_units,
)


@pytest.mark.parametrize(("size", "writes", "reads"), [(0, 1, 1), (1024, 1, 1), (1025, 2, 1), (4097, 5, 2)])
def test_an_item_costs_a_unit_for_each_kilobyte_written_and_each_four_read(size: int, writes: int, reads: int) -> None:
    assert (write_units(size), read_units(size)) == (writes, reads)
    assert write_units(size, times=2) == 2 * writes
    assert read_units(size, is_consistent=False) == reads / 2


def test_the_size_of_an_item_includes_the_names_of_its_attributes() -> None:
    assert size_of({"part": {"S": "7#12"}, "client_id": {"N": "1200"}}) == 4 + 4 + 9 + 3


def test_a_partition_takes_a_thousand_writes_at_once_and_a_thousand_more_in_each_second() -> None:
    writes = Units(PARTITION_WRITES)
    assert sum(writes.take(1, 0.0) for _ in range(1500)) == PARTITION_WRITES
    assert sum(writes.take(1, 0.25) for _ in range(1500)) == PARTITION_WRITES / 4
    assert sum(writes.take(1, 100.0) for _ in range(1500)) == PARTITION_WRITES


def test_eventually_consistent_reads_take_half_the_units() -> None:
    reads = Units(PARTITION_READS)
    each = read_units(200, is_consistent=False)
    assert sum(reads.take(each, 0.0) for _ in range(10_000)) == 2 * PARTITION_READS


def test_a_request_above_a_second_of_units_is_taken_and_paid_by_time() -> None:
    units = Units(100)
    assert units.take(250, 0.0)
    assert not units.take(1, 1.5)
    assert units.take(1, 1.6)


def test_many_small_requests_are_taken_in_part() -> None:
    units = Units(100)
    assert units.take_part(150, 0.0) == 100
    assert units.take_part(150, 0.5) == 50
    assert units.take_part(30, 9.0) == 30


def test_a_clock_that_goes_back_fills_nothing() -> None:
    units = Units(100, now=10.0)
    assert units.take_part(100, 10.0) == 100
    assert units.take_part(1, 5.0) == 0
    assert units.take_part(100, 11.0) == 100


def test_keys_spread_over_all_partitions_of_a_prepared_table() -> None:
    spread = Counter(partition_of(f"7#{shard}", 40) for shard in range(2000))
    assert len(spread) == 40
    assert max(spread.values()) < 2 * 2000 / 40
