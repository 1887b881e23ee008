"""Phone numbers as people and spreadsheets write them: `8 (977) 405-33-29`, `+7 977 405 33 29`, `9774053329`."""

from __future__ import annotations

import re

from .client import PHONE

MAX_WRITTEN = 64
"""Characters. It also bounds the work on a long row of separators."""

SEPARATOR = (
    r"[ \t\u00a0\u2007\u2009\u202f()./"
    r"\-\u00ad\u2010-\u2015\u2212"
    r"\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
"""Spaces, brackets, dots, dashes, and the unseen marks that address books put around a number."""

WRITTEN = re.compile(rf"{SEPARATOR}*(?:\+?7|8)?{SEPARATOR}*(9(?:{SEPARATOR}*[0-9]){{9}}){SEPARATOR}*")
"""`+8` is not taken: it begins numbers of other countries."""

DECIMAL = re.compile(r"([0-9]+)[.,]0+")
"""A spreadsheet or a program that takes the number for an amount: `79774053329.0`. The zero is no digit of it."""

ROUNDED = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
"""A spreadsheet shows a long number so in a narrow column, and saves it so as CSV: the last digits are lost."""


def meant_phone(written: str) -> str | None:
    """The number as 79XXXXXXXXX; None if this is no Russian mobile number."""
    if PHONE.fullmatch(written):
        return written
    if len(written) > MAX_WRITTEN:
        return None
    decimal = DECIMAL.fullmatch(written)
    found = WRITTEN.fullmatch(decimal[1] if decimal else written)
    return "7" + re.sub(SEPARATOR, "", found[1]) if found else None


def is_rounded(written: str) -> bool:
    """Whether it is a number in scientific notation: `7.977E+10`. It is refused also if it seems to have all digits."""
    return len(written) <= MAX_WRITTEN and ROUNDED.fullmatch(written) is not None
