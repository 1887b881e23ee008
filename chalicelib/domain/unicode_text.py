"""Texts in Unicode: one spelling for equal texts.

`й` is one character, or `и` and a combining breve, as macOS writes it. Both look the same and are different strings.
Texts are composed (NFC) where they come in. Rows from before that keep the spelling in which they were written.
"""

from __future__ import annotations

from unicodedata import normalize


def compose(text: str) -> str:
    return normalize("NFC", text)


def spellings(text: str) -> list[str]:
    """The composed spelling, and the decomposed one if it differs."""
    return list(dict.fromkeys([compose(text), normalize("NFD", text)]))
