from __future__ import annotations

import pytest

from chalicelib.domain.sms import GSM, MAX_CHARACTERS, MAX_PARTS, UCS2, length_error, measure


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("", GSM, 0, 1),
        ("a" * 160, GSM, 160, 1),
        ("a" * 161, GSM, 161, 2),
        ("a" * 306, GSM, 306, 2),
        ("a" * 307, GSM, 307, 3),
        ("€" * 80, GSM, 160, 1),
        ("a" * 159 + "€", GSM, 161, 2),
        ("a" * 152 + "€" + "a" * 151, GSM, 305, 2),
        ("a" * 152 + "€" + "a" * 152, GSM, 306, 3),
        ("я" * 70, UCS2, 70, 1),
        ("я" * 71, UCS2, 71, 2),
        ("я" * 134, UCS2, 134, 2),
        ("я" * 135, UCS2, 135, 3),
        ("a" * 70 + "я", UCS2, 71, 2),
        ("😀" * 35, UCS2, 70, 1),
        ("я" * 66 + "😀" + "я" * 66, UCS2, 134, 3),
        ("`", UCS2, 1, 1),
        ("line\nline", GSM, 9, 1),
    ],
)
def test_a_text_is_measured_in_parts_and_no_character_is_split(
    text: str, encoding: str, units: int, parts: int
) -> None:
    length = measure(text)
    assert (length.encoding, length.units, length.parts) == (encoding, units, parts)


@pytest.mark.parametrize("text", ["", "a" * MAX_CHARACTERS, "я" * MAX_CHARACTERS, "😀" * 33 * MAX_PARTS, "€" * 1600])
def test_a_text_that_providers_accept_is_not_too_long(text: str) -> None:
    assert length_error(text) is None


@pytest.mark.parametrize("text", ["a" * (MAX_CHARACTERS + 1), "😀" * (33 * MAX_PARTS + 1), "я" * 250_000])
def test_a_longer_text_has_an_error_that_says_how_much_is_accepted(text: str) -> None:
    error = length_error(text)
    assert error is not None
    assert str(MAX_PARTS if len(text) < MAX_CHARACTERS else MAX_CHARACTERS) in str(error)
