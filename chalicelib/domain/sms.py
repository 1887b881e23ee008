"""How many parts a text is sent in, and paid for: 3GPP TS 23.038 (GSM 03.38) and TS 23.040, 9.2.3.24.1.

In the GSM alphabet a part has 160 septets, 153 where there are several; any other letter makes the whole text UCS-2,
with 70 units of 16 bits, 67 where there are several. A character is never cut in two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
"""Two septets each: an escape, and the character."""

GSM, UCS2 = "GSM-7", "UCS-2"
LIMITS = {GSM: (160, 153), UCS2: (70, 67)}


@dataclass(frozen=True)
class Length:
    """`units` are septets or 16-bit units; `parts` of at most `per_part` of them."""

    encoding: str
    units: int
    parts: int
    per_part: int


def measure(text: str) -> Length:
    encoding = GSM if all(character in BASIC or character in EXTENDED for character in text) else UCS2
    widths = [_width(character, encoding) for character in text]
    alone, joined = LIMITS[encoding]
    if sum(widths) <= alone:
        return Length(encoding, sum(widths), 1, alone)
    return Length(encoding, sum(widths), _parts(widths, joined), joined)


def _width(character: str, encoding: str) -> int:
    wide = character in EXTENDED if encoding == GSM else ord(character) > 0xFFFF
    return 2 if wide else 1


def _parts(widths: Iterable[int], limit: int) -> int:
    parts, room = 1, limit
    for width in widths:
        if width > room:
            parts, room = parts + 1, limit
        room -= width
    return parts
