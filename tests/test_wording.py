"""How each language writes numbers, the word beside a number, amounts and dates."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from pathlib import Path

import pytest

from chalicelib import texts
from chalicelib.rendering import translate
from chalicelib.wording import day_in_words, decimal, filled, grouped, moment_in_words

ROOM = Path(texts.__file__).parent
FORMS = "{n:,} {n:клиент|клиента|клиентов}"
CLIENTS = {0: "клиентов", 1: "клиент", 2: "клиента", 4: "клиента", 5: "клиентов", 11: "клиентов", 12: "клиентов"}
CLIENTS |= {21: "клиент", 22: "клиента", 25: "клиентов", 111: "клиентов", 112: "клиентов", 10_201: "клиент"}


@pytest.mark.parametrize(("number", "word"), CLIENTS.items())
def test_a_russian_word_has_the_form_of_its_number(number: int, word: str) -> None:
    assert filled(FORMS, "ru", n=number) == f"{grouped('ru', number)} {word}"


def test_an_english_word_has_the_form_of_its_number() -> None:
    shown = [filled("{n:,} {n:client|clients}", "en", n=number) for number in (0, 1, 2, 10_205)]
    assert shown == ["0 clients", "1 client", "2 clients", "10,205 clients"]


def test_a_text_in_the_place_of_a_number_is_shown_as_it_is() -> None:
    assert filled(FORMS, "ru", n="много") == "много клиентов"
    assert filled("{template} {language}", "en", template="a", language="b") == "a b"


def test_numbers_and_amounts_are_grouped_by_the_language() -> None:
    assert (grouped("en", 10_205), grouped("ru", 10_205)) == ("10,205", "10\u00a0205")
    assert [decimal("en", written) for written in ("12.50", "-1234.5", "7")] == ["12.50", "-1,234.5", "7"]
    assert [decimal("ru", written) for written in ("12.50", "-1234.5", "7")] == ["12,50", "-1\u00a0234,5", "7"]


def test_dates_are_written_as_browsers_write_them() -> None:
    assert (day_in_words("en", date(2040, 6, 1)), day_in_words("ru", date(2040, 5, 9))) == (
        "Jun 1, 2040",
        "9\u00a0мая\u00a02040\u00a0г.",
    )
    afternoon, night = datetime(2040, 6, 1, 21, 5), datetime(2040, 6, 1, 0, 5)
    assert moment_in_words("en", afternoon) == "Jun 1, 2040, 9:05 PM"
    assert moment_in_words("en", night) == "Jun 1, 2040, 12:05 AM"
    assert moment_in_words("ru", night) == "1\u00a0июн.\u00a02040\u00a0г., 00:05"


def test_labels_that_are_one_word_in_english_are_told_apart() -> None:
    console = ROOM / "console" / "templates"
    assert translate(console, "ru", "made", of="audit") == "создание"
    assert translate(console, "en", "made", of="audit") == "made"


@pytest.mark.parametrize("catalogue", [ROOM / "texts.json", *ROOM.rglob("ru.json")], ids=lambda path: path.parent.name)
def test_a_russian_word_right_after_a_number_names_its_forms(catalogue: Path) -> None:
    """Otherwise it is right for some numbers only: 103 знаков."""
    found = json.loads(catalogue.read_text())
    russian = [text["ru"] if isinstance(text, dict) else text for text in found.values()]
    counted = re.compile(r"{(?:n|number|most|given|known|minutes|days|refused|errors|rows|more)(?::,)?} ([а-яё]+)")
    words = {word for text in russian for word in counted.findall(text)}
    assert words <= {"из", "суток", "мс"}, "a word with one form for all numbers"
