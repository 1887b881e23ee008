from __future__ import annotations

import pytest

from chalicelib.domain.unicode_text import compose, is_blank, searchable, spellings


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\u200b", "\ufeff", "\u00ad", "\u3164", "\u2800", "\ufe0f", "\U000e0001", "\u202e"]
)
def test_a_text_that_shows_nothing_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "\u200bа\u200b", "👩\u200d👧", "☀\ufe0f", ".", "\u0301"])
def test_a_text_that_shows_something_is_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_a_search_takes_the_two_spellings_of_a_russian_word_for_one() -> None:
    assert searchable("Черная") in searchable("ЧЁРНАЯ пятница")
    assert searchable("Че\u0308рная") == searchable("черная")


def test_a_text_has_one_composed_spelling() -> None:
    assert compose("и\u0306") == compose("й") == "й"
    assert spellings("и\u0306") == ["й", "и\u0306"]
    assert spellings("a") == ["a"]
