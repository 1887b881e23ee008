"""A part of a phone number as people type it into a search: `7903`, `+7 (903)`, `4567`, `*9031`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .masking import SHOWN_DIGITS
from .phone import MAX_WRITTEN, SEPARATOR

DIGITS = 11
HEAD = "79"
"""Every number begins with it."""

MOST_UNKNOWN = 3
"""With so few digits unknown, the thousand possible numbers are looked up by their keys, however many clients there
are."""

UNKNOWN = "*"
"""Stands for the digits that are not known: `7903*`, `*9031`."""

WRITTEN = re.compile(r"(?P<end>\*?)(?P<plus>\+?)(?P<digits>[0-9]{1,11})(?P<beginning>\*?)")
BEGINNING = re.compile(r"[78]?9")
"""What begins so is taken for the beginning of a number, unless a `*` says that it is an end."""


@dataclass(frozen=True)
class PhonePart:
    """The first digits of a number, from the 7 on, or its last ones."""

    digits: str
    is_end: bool = False

    def matches(self, phone_number: str) -> bool:
        return phone_number.endswith(self.digits) if self.is_end else phone_number.startswith(self.digits)

    @property
    def tells_no_digits(self) -> bool:
        """Whether a search for it tells nothing about a masked number. Shorter ends or longer beginnings tell a digit
        after the other."""
        return len(self.digits) == DIGITS or (not self.is_end and len(self.digits) <= SHOWN_DIGITS)

    @property
    def operator_code(self) -> str | None:
        """The code of all numbers with this part; None if they may have several."""
        return self.digits[1:4] if not self.is_end and len(self.digits) >= 4 else None

    @property
    def numbers(self) -> list[str] | None:
        """All numbers with this part; None if they are too many to look each of them up."""
        head, tail = (HEAD, self.digits) if self.is_end else (self.digits, "")
        unknown = DIGITS - len(head) - len(tail)
        if unknown > MOST_UNKNOWN:
            return None
        middles = [f"{number:0{unknown}}" for number in range(10**unknown)] if unknown else [""]
        return [f"{head}{middle}{tail}" for middle in middles]


def meant_part(written: str) -> PhonePart | None:
    """None if no number has this part."""
    found = WRITTEN.fullmatch(re.sub(SEPARATOR, "", written)) if len(written) <= MAX_WRITTEN else None
    if found is None or (found["end"] and (found["plus"] or found["beginning"])):
        return None
    digits = found["digits"]
    is_beginning = bool(found["plus"] or found["beginning"] or BEGINNING.match(digits)) and not found["end"]
    if len(digits) == DIGITS - 1 and digits[0] == "9":  # a whole number without its 7 or 8
        is_beginning = True
    if not is_beginning:
        return PhonePart(digits, is_end=True) if len(digits) <= DIGITS - len(HEAD) else None
    digits = _from_the_seven(digits, found["plus"])
    return PhonePart(digits) if HEAD.startswith(digits[:2]) and len(digits) <= DIGITS else None


def _from_the_seven(digits: str, plus: str) -> str:
    if digits[0] == "8" and not plus:
        return f"7{digits[1:]}"
    return f"7{digits}" if digits[0] == "9" and not plus else digits


def other_meaning(written: str) -> str | None:
    """What to type for the end of a number, if it is read as a beginning and nothing says that it is one."""
    meant, end = meant_part(written), meant_part(f"{UNKNOWN}{re.sub(SEPARATOR, '', written)}")
    return f"{UNKNOWN}{end.digits}" if meant and end and end.is_end and not meant.is_end else None
