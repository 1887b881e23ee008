from __future__ import annotations

import pytest

from chalicelib.domain.sms import GSM, UCS2, measure


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
