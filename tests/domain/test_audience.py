from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.audience import (
    MAX_INDEX_QUERIES,
    MAX_SHARDS,
    MAX_SLICES,
    NEWEST,
    Partition,
    Plan,
    block_partitions,
    label_partitions,
    plan_audience,
    plan_fan_out,
)
from chalicelib.domain.client import LABEL_SHARDS, Client, block_of, label_key
from chalicelib.domain.condition import Condition, Group, Leaf, Not
from chalicelib.domain.filter import Filter, member_fields

TAGS = ["a", "b", "c", None]
CODES = ["900", "921", "977"]
clients = st.dictionaries(
    st.integers(1, 60_000), st.tuples(st.sampled_from(TAGS), st.sampled_from(CODES)), max_size=60
).map(lambda found: [Client(n, f"7{code}{n:07d}", tag) for n, (tag, code) in sorted(found.items())])
TAG_LEAF = Leaf("tag", "in", ("a", "b"))
CODE_LEAF = Leaf("operator_code", "is", "977")
conditions: st.SearchStrategy[Condition] = st.sampled_from(
    [
        TAG_LEAF,
        CODE_LEAF,
        Not(TAG_LEAF),
        Group("all", (TAG_LEAF, CODE_LEAF)),
        Group("any", (TAG_LEAF, CODE_LEAF)),
        Group("any", (Leaf("tag", "is", "c"), Group("all", (TAG_LEAF, Leaf("tag", "is", "z"))))),
        Group("all", (Leaf("tag", "is", "a"), Leaf("tag", "is", "b"))),
        Leaf("tag", "present", False),
    ]
)
filters = st.builds(
    Filter,
    st.lists(st.sampled_from(["a", "b", "z"]), unique=True).map(tuple),
    st.lists(st.sampled_from([*CODES, "999"]), unique=True).map(tuple),
    st.none() | conditions,
)


def stands_in(client: Client, partition: Partition) -> bool:
    keys = {
        "block": block_of(client.id),
        "tag": label_key(client.tag, client.id) if client.tag else None,
        "operator_code": label_key(client.operator_code, client.id),
    }
    return keys[partition.by] == partition.key


def walked(plan: Plan, chosen: Filter, all_clients: list[Client]) -> list[int]:
    """Ids as the workers of all slices would find them, each as often as it is found."""
    found = []
    for audience_slice in range(plan.slices):
        for partition, first, last in plan.partitions(chosen, audience_slice):
            found += [
                c.id for c in all_clients if first <= c.id <= last and stands_in(c, partition) and chosen.chooses(c)
            ]
    return sorted(found)


@given(
    clients,
    filters,
    st.sampled_from(["block", "tag", "operator_code"]),
    st.integers(1, 7),
    st.one_of(st.none(), st.integers(1, 60).map(lambda block: 1000 * block)),
)
def test_every_way_of_walking_finds_each_client_of_the_audience_once(
    all_clients: list[Client], chosen: Filter, by: str, slices: int, blocks_from: int | None
) -> None:
    served = chosen.by_index or Filter()
    if (by == "tag" and not served.tags) or (by == "operator_code" and not served.operator_codes):
        by = "block"
    plan = Plan(by, 60_000, slices, 1, blocks_from)
    assert walked(plan, chosen, all_clients) == [client.id for client in all_clients if chosen.chooses(client)]


@given(clients, filters, st.integers(1, 60_000), st.integers(1, 70_000))
def test_the_ranges_of_a_plan_have_each_client_of_its_slices_once(
    all_clients: list[Client], chosen: Filter, last: int, most_ids: int
) -> None:
    plan = plan_audience(chosen, last)
    found = [
        client.id
        for partition, first, through in plan.ranges(chosen, max(most_ids, 1000))
        for client in all_clients
        if first <= client.id <= through and stands_in(client, partition) and chosen.chooses(client)
    ]
    assert sorted(found) == walked(plan, chosen, all_clients)


def test_the_ranges_of_a_label_are_few_however_many_slices_there_are() -> None:
    plan = plan_audience(Filter(tags=("a",)), 10_000_000)
    assert plan.slices == 40
    assert len(list(plan.ranges(Filter(tags=("a",)), 10_000_000))) == LABEL_SHARDS
    assert len(list(plan.ranges(Filter(tags=("a",)), 5_000_000))) == 2 * LABEL_SHARDS


@given(clients, filters, st.integers(0, 60_000))
def test_clients_beyond_the_last_id_of_the_plan_are_not_in_the_audience(
    all_clients: list[Client], chosen: Filter, last: int
) -> None:
    found = walked(plan_audience(chosen, last), chosen, all_clients)
    assert found == walked(plan_fan_out(chosen, last), chosen, all_clients)
    assert found == [client.id for client in all_clients if client.id <= last and chosen.chooses(client)]


@given(st.integers(0, 10**9), st.integers(1, 500))
def test_slices_cover_the_ids_without_gap_or_overlap(last: int, slices: int) -> None:
    plan = Plan("block", last, slices, 1)
    ranges = [plan.id_range(number) for number in range(slices)]
    assert ranges[0][0] == 1
    assert ranges[-1][1] == last
    assert all(before[1] + 1 == after[0] for before, after in pairwise(ranges))


@given(filters, st.integers(0, 10**8))
def test_a_plan_stays_within_its_bounds(chosen: Filter, last: int) -> None:
    plan = plan_audience(chosen, last)
    assert 1 <= plan.slices <= MAX_SLICES
    assert 1 <= plan.shards <= MAX_SHARDS
    if plan.by != "block":
        assert sum(len(plan.partitions(chosen, number)) for number in range(plan.slices)) <= MAX_INDEX_QUERIES


@given(filters, st.integers(0, 10**8))
def test_a_fan_out_reads_the_newest_ids_from_the_table(chosen: Filter, last: int) -> None:
    plan = plan_fan_out(chosen, last)
    by_index = [read for read in plan.reads(chosen) if read[0].by != "block"]
    assert max((through for _, _, through in by_index), default=0) <= max(0, last - NEWEST)
    if plan.by != "block":
        assert len(list(plan.reads(chosen))) <= MAX_INDEX_QUERIES + NEWEST // 1000 + 1


def test_the_way_with_the_fewest_partitions_is_walked() -> None:
    assert plan_audience(Filter(), 10**7).by == "block"
    assert plan_audience(Filter(tags=("a",)), 10**7).by == "tag"
    assert plan_audience(Filter(operator_codes=("977",)), 10**7).by == "operator_code"
    assert plan_audience(Filter(("a",), ("977", "921")), 10**7).by == "tag"
    assert plan_audience(Filter(operator_codes=tuple(CODES)), 1000).by == "block", (
        "the audience takes two queries for every client"
    )


def test_a_filter_is_one_of_the_tags_and_one_of_the_codes() -> None:
    anna = Client(1, "79770000001", "a")
    assert Filter().chooses(anna)
    assert Filter(("a", "b"), ("977",)).chooses(anna)
    assert not Filter(("b",), ("977",)).chooses(anna)
    assert not Filter(("a",), ("921",)).chooses(anna)
    assert not Filter(("a",)).chooses(Client(2, "79770000002"))


@given(clients)
def test_the_partitions_of_a_list_hold_each_client_once(all_clients: list[Client]) -> None:
    blocks = block_partitions(60_000)
    assert all(sum(stands_in(client, block) for block in blocks) == 1 for client in all_clients)
    labelled = label_partitions("tag", "a")
    assert all(sum(stands_in(client, one) for one in labelled) == (client.tag == "a") for client in all_clients)


@pytest.mark.parametrize(
    ("chosen", "has_local_hours", "fields"),
    [
        (Filter(), False, []),
        (Filter(), True, ["timezone"]),
        (Filter(tags=("vip",)), False, ["tag"]),
        (Filter(operator_codes=("977",)), False, ["phone_number"]),
        (Filter(("vip",), ("977",)), True, ["phone_number", "tag", "timezone"]),
    ],
)
def test_a_fan_out_reads_the_fields_that_its_mailing_needs(
    chosen: Filter, has_local_hours: bool, fields: list[str]
) -> None:
    assert member_fields(chosen, has_local_hours) == fields
