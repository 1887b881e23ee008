"""Conditions that are evaluated without parsing them for each row, compared with MiniStack's own evaluation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import dynamodb

from infra.local.conditions import SLOTS, FastQueries, parse

NAMES = {"#0": "part", "#1": "number"}
NUMBERS = st.integers(-3, 3).map(lambda number: {"N": str(number)})
TEXTS = st.sampled_from(["", "a", "b", "ba"]).map(lambda text: {"S": text})
CONDITIONS = [
    "#0 = :0",
    "(#0 = :0 AND #1 > :1)",
    "(#0 = :0 AND #1 < :1)",
    "(#0 = :0 AND #1 >= :1)",
    "(#0 = :0 AND #1 <= :1)",
    "(#0 = :0 AND #1 BETWEEN :1 AND :2)",
]
FILTERS = [
    "attribute_not_exists (#1)",
    "#1 IN (:1, :2)",
    "#1 IN (:1)",
    "(attribute_not_exists (#1) AND #0 = :0)",
    "((attribute_not_exists (#1) AND #0 = :0) AND #0 IN (:0, :1))",
]
OTHERS = [
    "NOT #0 = :0",
    "(#0 = :0 OR attribute_not_exists (#1))",
    "size (#0) = :0",
    "(#0 = :0 AND begins_with (#1, :1))",
    "#0 = :0 OR #1 = :1",
    "#0.a = :0",
    "#0 <> :0",
    "",
]


@pytest.mark.parametrize(
    ("condition", "slot"),
    [
        *((condition, slot) for condition in CONDITIONS for slot in SLOTS),
        *((one, "FilterExpression") for one in FILTERS),
    ],
)
@given(st.data())
def test_a_row_matches_as_in_ministack(condition: str, slot: str, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([NUMBERS, TEXTS]))
    low, high = sorted((data.draw(kind), data.draw(kind)), key=lambda value: _comparable(value))
    values = {":0": data.draw(TEXTS), ":1": low, ":2": high}
    item = data.draw(st.fixed_dictionaries({"part": TEXTS}, optional={"number": st.one_of(NUMBERS, TEXTS)}))
    own = dynamodb._evaluate_condition
    assert parse(condition) is not None
    found = FastQueries(_never)(condition, item, values, NAMES, slot=slot)
    assert found == own(condition, item, values, NAMES, slot=slot)


@pytest.mark.parametrize("condition", OTHERS)
def test_other_conditions_are_left_to_ministack(condition: str) -> None:
    assert parse(condition) is None


def test_a_condition_of_a_write_is_left_to_ministack() -> None:
    with pytest.raises(AssertionError):
        FastQueries(_never)("#0 = :0", {"part": {"S": "a"}}, {":0": {"S": "a"}}, NAMES)


def _never(*_: object, **__: object) -> bool:
    raise AssertionError("left to MiniStack")


def _comparable(value: dict[str, str]) -> tuple[int, str]:
    return (int(value["N"]), "") if "N" in value else (0, value["S"])
