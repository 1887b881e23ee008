"""Phone numbers as people and spreadsheets write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.client import PHONE
from chalicelib.domain.erasure import phones_in
from chalicelib.domain.phone import SEPARATOR, is_rounded, meant_phone

MEANT = "79774053329"


@pytest.mark.parametrize(
    "written",
    [
        MEANT,
        "+79774053329",
        "89774053329",
        "9774053329",
        "8 (977) 405-33-29",
        "+7 (977) 405-33-29",
        "+7(977)4053329",
        "(977) 405 33 29",
        "8.977.405.33.29",
        "8-977-405-33-29",
        "8/977/405-33-29",
        "8\u00a0977\u202f405\u201133\u201229",
        "+7 977 405–33—29",
        "\u202a+7 977 405-33-29\u202c",
        " 79774053329\t",
        "79774053329.0",
        "79774053329,00",
        "9774053329.0",
    ],
)
def test_a_number_is_read_however_a_person_writes_it(written: str) -> None:
    assert meant_phone(written) == MEANT
    assert not is_rounded(written)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "-",
        "7977405332",
        "797740533299",
        "8977405332.0",
        "897740533.29.0",
        "78774053329",
        "8 (495) 123-45-67",
        "+9774053329",
        "+89774053329",
        "+1 977 405 33 29",
        "59774053329",
        "7٩774053329",
        "79774053329 доб. 1",
        "79774053329, 79774053328",
        "79774053329/79774053328",
        "7977405332O",
        "7+9774053329",
        "7.97741E+10",
        "79774053329" + "-" * 60,
    ],
)
def test_anything_else_is_no_number(written: str) -> None:
    assert meant_phone(written) is None


@pytest.mark.parametrize("written", ["7.977E+10", "7,97741E+10", "8E10", "7.9774053329e+10"])
def test_a_number_in_scientific_notation_is_known_to_be_rounded(written: str) -> None:
    assert is_rounded(written)
    assert meant_phone(written) is None


@given(st.from_regex(rf"(\+7|7|8)?({SEPARATOR}{{0,2}}[0-9]){{9,12}}", fullmatch=True))
def test_what_is_read_has_the_digits_as_they_are_written(written: str) -> None:
    found = meant_phone(written)
    if found is not None:
        digits = "".join(character for character in written if character.isascii() and character.isdigit())
        assert PHONE.fullmatch(found)
        assert found[1:] in (digits[-10:], digits.rstrip("0")[-10:])
        assert found in phones_in(written), "an erasure finds each number that is read"
