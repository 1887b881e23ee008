"""Which phone numbers a typed part means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.phone_part import MOST_UNKNOWN, PhonePart, meant_part


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("7903", PhonePart("7903")),
        ("+7 (903)", PhonePart("7903")),
        ("8 903 12", PhonePart("790312")),
        ("(903) 1", PhonePart("79031")),
        ("903", PhonePart("7903")),
        ("7*", PhonePart("7")),
        ("4567", PhonePart("4567", is_end=True)),
        ("45-67", PhonePart("4567", is_end=True)),
        ("*9031", PhonePart("9031", is_end=True)),
        ("*7903", PhonePart("7903", is_end=True)),
        ("*9031234567", PhonePart("79031234567")),
        ("9031234567", PhonePart("79031234567")),
    ],
)
def test_a_part_is_a_beginning_or_an_end(written: str, meant: PhonePart) -> None:
    assert meant_part(written) == meant


@pytest.mark.parametrize(
    "written",
    ["", "anna", "*", "+1 212", "+8903", "7812*", "123456789012", "1" * 10, "*7*", "9" * 11, "9" * 99],
)
def test_no_number_has_what_is_no_part_of_one(written: str) -> None:
    assert meant_part(written) is None


@given(
    number=st.from_regex(r"79[0-9]{9}", fullmatch=True),
    length=st.integers(1, 9),
    is_end=st.booleans(),
)
def test_the_numbers_of_a_part_are_those_that_match_it_and_are_few(number: str, length: int, is_end: bool) -> None:
    part = meant_part(f"*{number[-length:]}" if is_end else f"{number[:length]}*")
    assert part is not None
    assert part.matches(number)
    if (is_end and length >= 9 - MOST_UNKNOWN) or (not is_end and length >= 11 - MOST_UNKNOWN):
        assert part.numbers is not None
        assert number in part.numbers
        assert len(part.numbers) <= 1000
        assert all(part.matches(found) for found in part.numbers)
    else:
        assert part.numbers is None
