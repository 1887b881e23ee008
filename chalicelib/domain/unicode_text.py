"""Texts in Unicode: one spelling for equal texts.

`й` is one character, or `и` and a combining breve, as macOS writes it. Both look the same and are different strings.
Texts are composed (NFC) where they come in. Rows from before that keep the spelling in which they were written.
"""

from __future__ import annotations

import re
from unicodedata import category, normalize

BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs that are drawn as nothing: joiners, Hangul fillers, Khmer inherent vowels, a Braille blank."""

SURROGATE = re.compile("[\ud800-\udfff]")

UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Controls, formats such as U+200B and U+202E (which reverses a text), unassigned and private characters, surrogates,
and separators of lines and paragraphs. https://www.unicode.org/reports/tr44/#General_Category_Values"""


def compose(text: str) -> str:
    return normalize("NFC", text)


def searchable(text: str) -> str:
    """The text as a search compares it: in any case, and `ё` like `е`, which Russians write for it."""
    return compose(text).casefold().replace("ё", "е")


def spellings(text: str) -> list[str]:
    """The composed spelling, and the decomposed one if it differs."""
    return list(dict.fromkeys([compose(text), normalize("NFD", text)]))


def has_surrogate(text: str) -> bool:
    """Whether the text has a half of a UTF-16 pair, as JSON may escape it. No bytes in UTF-8 stand for it."""
    return not text.isascii() and SURROGATE.search(text) is not None


def is_blank(text: str) -> bool:
    """Whether a reader sees nothing: only white space and unseen characters."""
    if text.isascii() and text.isprintable():  # as most texts are: thousands of rows of an import are checked
        return not text.strip()
    return all(character.isspace() or _is_unseen(character) for character in text)


def has_unseen(text: str) -> bool:
    """Whether the text has characters that a reader cannot see, other than spaces."""
    return any(map(_is_unseen, text))


def _is_unseen(character: str) -> bool:
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0000" <= character <= "\U000e0fff"
    is_mongolian_selector = "\u180b" <= character <= "\u180f"
    return category(character) in UNSEEN_CATEGORIES or character in BLANK or is_selector or is_mongolian_selector
