"""Consents: which one counts, what an import may change, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.client import Client
from chalicelib.domain.consent import (
    CONSENT_WITHDRAWN,
    MAX_CONSENT_SIZE,
    NO_CONSENT,
    consent_errors,
    consent_refusal,
    merge_consent,
    replaces_consent,
)

FIRST, SECOND, THIRD = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3))
moments = st.none() | st.sampled_from([FIRST, SECOND, THIRD])
texts = st.none() | st.sampled_from(["the form", "a shop"])
rows = st.builds(
    lambda at, withdrawn_at, source: {
        "consent_at": at,
        "consent_withdrawn_at": withdrawn_at,
        "consent_source": source if at else None,
    },
    moments,
    moments,
    texts,
)


def client(**fields: Any) -> Client:
    return Client(1, "79770000001", **fields)


def merged(before: Client, *given: dict[str, Any]) -> Client:
    for row in given:
        before = Client(before.id, before.phone_number, **merge_consent(before, row))
    return before


@pytest.mark.parametrize(
    ("given_at", "withdrawn_at", "counts", "refusal"),
    [
        (None, None, False, NO_CONSENT),
        (FIRST, None, True, None),
        (FIRST, SECOND, False, CONSENT_WITHDRAWN),
        (SECOND, SECOND, False, CONSENT_WITHDRAWN),
        (THIRD, SECOND, True, None),
        (None, SECOND, False, CONSENT_WITHDRAWN),
    ],
)
def test_a_consent_counts_if_it_is_newer_than_its_withdrawal(
    given_at: datetime | None, withdrawn_at: datetime | None, counts: bool, refusal: object
) -> None:
    one = client(consent_at=given_at, consent_withdrawn_at=withdrawn_at)
    assert one.consent == (given_at if counts else None)
    assert consent_refusal(one) == refusal


@given(st.lists(rows, min_size=1, max_size=4))
def test_files_in_any_order_and_repeated_give_the_same_moments(given: list[dict[str, Any]]) -> None:
    one, other = merged(client(), *given), merged(client(), *reversed(given))
    assert (one.consent_at, one.consent_withdrawn_at) == (other.consent_at, other.consent_withdrawn_at)
    assert merged(one, given[-1], given[-1]) == merged(one, given[-1])


@given(moments, rows)
def test_no_row_without_a_newer_consent_undoes_a_withdrawal(at: datetime | None, row: dict[str, Any]) -> None:
    before = client(consent_at=at, consent_withdrawn_at=SECOND)
    after = merged(before, row)
    assert after.consent_withdrawn_at is not None
    is_newer = (row["consent_at"] or FIRST) > SECOND and row["consent_withdrawn_at"] != THIRD
    assert (after.consent is not None) == (is_newer or (at == THIRD and row["consent_withdrawn_at"] != THIRD))


def test_a_blank_row_changes_nothing_and_a_newer_consent_does_not_keep_the_source_of_the_older() -> None:
    before = client(consent_at=FIRST, consent_source="the form", consent_text="I agree")
    assert merged(before, {}) == before
    assert merged(before, {"consent_at": FIRST, "consent_source": "a shop"}).consent_text == "I agree"
    after = merged(before, {"consent_at": SECOND, "consent_text": "Yes"})
    assert (after.consent_source, after.consent_text) == (None, "Yes")
    assert merged(after, {"consent_at": FIRST, "consent_source": "a shop"}) == after


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, []),
        ({"consent_at": FIRST, "consent_source": "a", "consent_text": "b", "consent_withdrawn_at": SECOND}, []),
        ({"consent_withdrawn_at": SECOND}, []),
        ({"consent_source": "a"}, ["consent_at"]),
        ({"consent_text": "a", "consent_withdrawn_at": FIRST}, ["consent_at"]),
        ({"consent_at": THIRD + timedelta(minutes=5)}, []),
        ({"consent_at": THIRD + timedelta(hours=3)}, ["consent_at"]),
        ({"consent_at": datetime(1, 1, 1, tzinfo=UTC)}, ["consent_at"]),
        ({"consent_withdrawn_at": THIRD + timedelta(days=1)}, ["consent_withdrawn_at"]),
        ({"consent_at": FIRST, "consent_text": "я" * (MAX_CONSENT_SIZE // 2)}, []),
        ({"consent_at": FIRST, "consent_text": "я" * (MAX_CONSENT_SIZE // 2), "consent_source": "a"}, ["consent_text"]),
    ],
)
def test_what_makes_no_consent_is_refused_by_its_field(fields: dict[str, Any], wrong: list[str]) -> None:
    assert list(consent_errors(fields, THIRD)) == wrong


def test_a_first_consent_replaces_nothing() -> None:
    given_first = client(consent_at=FIRST)
    assert not replaces_consent(client(), client())
    assert not replaces_consent(client(), given_first)
    assert replaces_consent(given_first, client(consent_at=SECOND))
    assert replaces_consent(given_first, client())
    assert replaces_consent(client(), client(consent_withdrawn_at=FIRST))
    assert replaces_consent(client(consent_withdrawn_at=FIRST), client(consent_at=SECOND, consent_withdrawn_at=FIRST))
