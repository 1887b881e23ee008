"""The traces of an import: they are stored without a loss, and undone field by field."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.client import Client
from chalicelib.domain.import_undo import (
    merge_traces,
    read_traces,
    trace_of_change,
    trace_of_new,
    undo_step,
    write_traces,
)

MOMENTS = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
LABELS = st.none() | st.text(min_size=1, max_size=5)
ATTRIBUTES = st.dictionaries(st.sampled_from(["имя", "moment", "tag2"]), st.text(min_size=1, max_size=5), max_size=3)
CLIENTS = st.builds(
    Client,
    st.just(1),
    st.just("79770000001"),
    tag=LABELS,
    timezone=st.sampled_from(["UTC", "Asia/Omsk"]),
    opted_out_at=MOMENTS,
    consent_at=MOMENTS,
    consent_source=LABELS,
    consent_text=LABELS,
    consent_withdrawn_at=MOMENTS,
    attributes=ATTRIBUTES,
)


@given(st.lists(st.tuples(CLIENTS, CLIENTS), max_size=4))
def test_traces_are_stored_without_a_loss(changes: list[tuple[Client, Client]]) -> None:
    traces = [trace_of_change(*change) for change in changes] + [trace_of_new(after) for _, after in changes]
    assert read_traces(write_traces(traces)) == traces


@given(CLIENTS, CLIENTS)
def test_a_change_is_undone_but_for_stops_and_a_repetition_decides_the_same(before: Client, after: Client) -> None:
    trace = trace_of_change(before, after)
    step = undo_step(trace, after)
    restored = step.after or after
    stops: dict[str, Any] = {name: getattr(after, name) for name in ("opted_out_at", "consent_withdrawn_at")}
    assert restored == replace(before, **stops)
    again = undo_step(trace, restored)
    assert (step.kept, again.kept, again.after) == (None, None, None)


@given(CLIENTS, CLIENTS, CLIENTS)
def test_a_field_that_was_changed_since_is_left(before: Client, after: Client, current: Client) -> None:
    step = undo_step(trace_of_change(before, after), current)
    found = step.after or current
    for name in ("tag", "timezone"):
        old, new, now = (getattr(one, name) for one in (before, after, current))
        assert getattr(found, name) == (old if old != new and now == new else now)
    assert (found.opted_out_at, found.consent_withdrawn_at) == (current.opted_out_at, current.consent_withdrawn_at)


@given(CLIENTS, CLIENTS)
def test_an_added_client_is_removed_only_if_it_is_as_it_was_added(added: Client, current: Client) -> None:
    trace = trace_of_new(added)
    assert undo_step(trace, current).removes is (added == current)
    assert undo_step(trace, added).removes
    assert undo_step(trace, None).removes
    assert not undo_step(trace, replace(added, phone_number="79770000002")).removes


def test_the_second_try_of_a_chunk_adds_to_the_traces_of_the_first() -> None:
    one, two = trace_of_new(Client(1, "79770000001")), trace_of_new(Client(2, "79770000002"))
    later = trace_of_new(Client(7, "79770000002"))
    assert merge_traces([one, two], [later]) == [one, later]


def test_a_client_that_changed_between_two_tries_of_a_chunk_gets_back_what_both_of_them_changed() -> None:
    before = Client(1, "79770000001", "old", "Asia/Omsk")
    wanted = replace(before, tag="new", timezone="UTC")
    between = replace(wanted, tag="other")  # of somebody, after the first try
    traces = merge_traces([trace_of_change(before, wanted)], [trace_of_change(between, wanted)])
    assert [undo_step(trace, wanted).after for trace in traces] == [replace(before, tag="other")]
