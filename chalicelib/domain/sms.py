"""The number of SMS parts of a text: 3GPP TS 23.038 (GSM 03.38) and TS 23.040, 9.2.3.24.1.

In the GSM alphabet a single part has 160 septets, and each of several parts 153. Any other character makes the whole
text UCS-2: 70 units of 16 bits in a single part, 67 in each of several. A character is never split between parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ..texts import Text

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
"""Two septets each: an escape and the character."""
ALPHABET = BASIC | EXTENDED

GSM, UCS2 = "GSM-7", "UCS-2"
LIMITS = {GSM: (160, 153), UCS2: (70, 67)}

SENDER = re.compile(r"[A-Za-z0-9+][A-Za-z0-9+ ._&-]{0,39}")
"""What the recipient sees as the sender: a name or a number; or the id of a provider's pool of numbers."""

MAX_CHARACTERS = 1600
"""The longest text that Twilio and Amazon accept, in characters as people count them."""

MAX_PARTS = 24
"""SMS parts of MAX_CHARACTERS Cyrillic letters. An emoji takes the place of two letters."""

SURELY_SHORT = 33 * MAX_PARTS
"""Characters. Of emoji, the widest, a part has 33. Measuring takes time: shorter ones are not measured."""


@dataclass(frozen=True)
class Length:
    """`units` are septets or 16-bit units; `parts` of at most `per_part` of them."""

    encoding: str
    units: int
    parts: int
    per_part: int


def is_gsm(text: str) -> bool:
    """Whether all characters are in the GSM alphabet."""
    return ALPHABET.issuperset(text)


def measure(text: str) -> Length:
    encoding = GSM if is_gsm(text) else UCS2
    widths = [_width(character, encoding) for character in text]
    single, joined = LIMITS[encoding]
    if sum(widths) <= single:
        return Length(encoding, sum(widths), 1, single)
    return Length(encoding, sum(widths), _parts(widths, joined), joined)


@lru_cache(maxsize=64)
def count_parts(text: str) -> int:
    """The parts of a text. Most mailings have one text for all their clients, so the last ones are remembered."""
    return measure(text).parts


def length_error(text: str) -> Text | None:
    """The error if the text is longer than providers accept, otherwise None."""
    if len(text) > MAX_CHARACTERS:
        return Text("text.too_long", most=MAX_CHARACTERS, given=len(text))
    if len(text) > SURELY_SHORT and (parts := measure(text).parts) > MAX_PARTS:
        return Text("text.too_many_parts", most=MAX_PARTS, given=parts)
    return None


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
