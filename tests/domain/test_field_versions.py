"""The version of the fields that a form shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.field_versions import Shown, changed_since, version_of
from chalicelib.errors import Outdated

NAMES = ("tag", "attributes", "rate_limit")
VALUES = st.fixed_dictionaries(
    {
        "tag": st.none() | st.text(),
        "attributes": st.dictionaries(st.text(), st.text()),
        "rate_limit": st.none() | st.integers(),
    }
)


@given(VALUES, VALUES)
def test_the_changed_fields_are_named(before: dict[str, Any], after: dict[str, Any]) -> None:
    expected = [name for name in NAMES if before[name] != after[name]]
    assert changed_since(version_of(before, NAMES), after, NAMES) == expected


@given(VALUES, st.text(max_size=30))
def test_a_version_of_another_form_is_outdated(fields: dict[str, Any], version: str) -> None:
    assert changed_since(version, fields, NAMES)
    with pytest.raises(Outdated):
        Shown((version,), NAMES).require_unchanged(fields)


def test_the_order_of_attributes_and_other_fields_do_not_count() -> None:
    fields = {"tag": None, "attributes": {"a": "1", "b": "2"}, "rate_limit": 1, "status": "running"}
    version = version_of(fields, NAMES)
    Shown((version,), NAMES).require_unchanged({**fields, "attributes": {"b": "2", "a": "1"}, "status": "paused"})


def test_any_of_several_versions_will_do_and_the_nearest_one_tells_what_has_changed() -> None:
    now = {"tag": "a", "attributes": {}, "rate_limit": 1}
    far, near = ({**now, "tag": "b", "rate_limit": 2}, {**now, "tag": "b"})
    versions = [version_of(fields, NAMES) for fields in (far, near, now)]
    Shown(tuple(versions)).require_unchanged(now)
    with pytest.raises(Outdated) as refused:
        Shown(tuple(versions[:2])).require_unchanged(now)
    assert refused.value.changed == ("tag",)
    with pytest.raises(Outdated):
        Shown(()).require_unchanged(now)
