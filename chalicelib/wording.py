"""How each language writes numbers, the forms of a word beside a number, amounts, and dates.

A template has `{n:,}` for a number grouped by thousands and `{n:client|clients}` for the form of the word beside it. In
Russian a word has three forms: `{n:клиент|клиента|клиентов}` for 1, 2 and 5.
"""

from __future__ import annotations

import re
from datetime import date, datetime

ENGLISH, RUSSIAN = "en", "ru"
LANGUAGES = (ENGLISH, RUSSIAN)

FORMS_BETWEEN = "|"
NO_BREAK_SPACE = "\u00a0"

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z")

MONTHS = {
    ENGLISH: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    RUSSIAN: ["янв.", "февр.", "мар.", "апр.", "мая", "июн.", "июл.", "авг.", "сент.", "окт.", "нояб.", "дек."],
}
"""As browsers write them, so that a page does not change when its script shows the times in another zone."""


class Number(int):
    """A whole number in a template of a language."""

    language: str

    def __new__(cls, value: int, language: str) -> Number:
        number = super().__new__(cls, value)
        number.language = language
        return number

    def __format__(self, written: str) -> str:
        if FORMS_BETWEEN in written:
            return form_for(self.language, self, written.split(FORMS_BETWEEN))
        return grouped(self.language, self) if written == "," else super().__format__(written)


class Words(str):
    """Text in the place of a number. The word beside it has the form for many."""

    def __format__(self, written: str) -> str:
        return written.split(FORMS_BETWEEN)[-1] if FORMS_BETWEEN in written else str(self)


def filled(template: str, language: str, /, **values: str | int) -> str:
    """The template with its values."""
    return template.format(**{name: _parameter(value, language) for name, value in values.items()})


def form_for(language: str, number: int, forms: list[str]) -> str:
    """The form of a word beside a number; the last one, if the word has fewer forms than the language."""
    return forms[min(_form_index(language, abs(number)), len(forms) - 1)]


def grouped(language: str, number: int) -> str:
    """12,345, or in Russian 12 345."""
    return f"{int(number):,}".replace(",", NO_BREAK_SPACE) if language == RUSSIAN else f"{int(number):,}"


def decimal(language: str, written: str) -> str:
    """`1234.50` as 1,234.50, or in Russian as 1 234,50."""
    units, point, decimals = written.removeprefix("-").partition(".")
    sign = "-" if written.startswith("-") else ""
    return sign + grouped(language, int(units)) + ("," if language == RUSSIAN else point) * bool(point) + decimals


def day_in_words(language: str, day: date) -> str:
    """Jun 1, 2040, or in Russian 1 июн. 2040 г., which never breaks into two lines."""
    month = MONTHS[language][day.month - 1]
    if language == RUSSIAN:
        return NO_BREAK_SPACE.join([str(day.day), month, str(day.year), "г."])
    return f"{month} {day.day}, {day.year}"


def moment_in_words(language: str, moment: datetime) -> str:
    """Jun 1, 2040, 9:30 AM, or in Russian 1 июн. 2040 г., 09:30. It does not name the zone."""
    time = f"{moment:%H:%M}" if language == RUSSIAN else f"{moment.hour % 12 or 12}:{moment:%M %p}"
    return f"{day_in_words(language, moment)}, {time}"


def moment_of(written: object) -> datetime | None:
    """A moment in UTC as the API writes it, 2040-06-01T09:30:00Z; None for anything else."""
    if not isinstance(written, str) or not MOMENT.fullmatch(written):
        return None
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None


def _form_index(language: str, number: int) -> int:
    """Source: the plural rules of Unicode CLDR for cardinals."""
    if language != RUSSIAN:
        return int(number != 1)
    if number % 10 == 1 and number % 100 != 11:
        return 0
    return 1 if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else 2


def _parameter(value: str | int, language: str) -> Number | Words:
    return Number(value, language) if isinstance(value, int) else Words(value)
