"""Texts in Unicode: one spelling for equal texts.

`й` is one character, or `и` and a combining breve, as macOS writes it. Both look the same and are different strings.
Texts are composed (NFC) where they come in. Rows from before that keep the spelling in which they were written.
"""

from __future__ import annotations

from unicodedata import category, normalize

INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs that are drawn as nothing: joiners, Hangul fillers, Khmer inherent vowels, a Braille blank."""

BLANK_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Controls, formats such as U+200B, and spaces. https://www.unicode.org/reports/tr44/#General_Category_Values"""


def compose(text: str) -> str:
    return normalize("NFC", text)


def spellings(text: str) -> list[str]:
    """The composed spelling, and the decomposed one if it differs."""
    return list(dict.fromkeys([compose(text), normalize("NFD", text)]))


def is_blank(text: str) -> bool:
    """Whether a reader sees nothing: white space, zero-width characters, fillers and variation selectors only."""
    return all(_is_invisible(character) for character in text)


def _is_invisible(character: str) -> bool:
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0000" <= character <= "\U000e0fff"
    is_mongolian_selector = "\u180b" <= character <= "\u180f"
    return category(character) in BLANK_CATEGORIES or character in INVISIBLE or is_selector or is_mongolian_selector
