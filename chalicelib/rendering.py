"""Renders pages and emails from Jinja templates, in English and in Russian.

Templates contain the English labels as `_("...")`; `ru.json` in the same folder maps each English label to Russian.
A label with a number is `_("{n:,} {n:client|clients}", n=5)`: wording.py says how it is written. `of` tells labels
apart that are one word in English: `_("made", of="audit")` has the key "audit: made".
A `Text`, such as a refusal, has its templates in texts.json and is shown with `localized(text)`.
"""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from .domain.advice import advice_on, in_words
from .domain.money import shown_amount
from .wording import ENGLISH, day_in_words, decimal, filled, grouped, moment_in_words, moment_of

if TYPE_CHECKING:
    from jinja2 import Environment


def render(folder: Path, template: str, language: str, **values: object) -> str:
    """Renders a template of the folder. Templates named `.html` escape every value."""
    return _templates(folder, language).get_template(template).render(**values)


def translate(folder: Path, language: str, text: str, /, of: str = "", **values: str | int) -> str:
    """Translates an English label of the folder; leaves it in English if it has no translation."""
    template = _texts(folder, language).get(f"{of}: {text}" if of else text, text)
    return filled(template, language, **values) if values else template


@cache
def _templates(folder: Path, language: str) -> Environment:
    """Jinja is imported here to keep it out of the cold start of API calls."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "_": partial(translate, folder, language),
        "number": partial(grouped, language),
        "decimal": partial(decimal, language),
        "amount": lambda amount: decimal(language, shown_amount(amount)),
        "day_in_words": partial(day_in_words, language),
        "moment_in_words": partial(moment_in_words, language),
        "moment_of": moment_of,
        "advice_on": advice_on,
        "in_words": in_words,
        "localized": lambda text: text.in_language(language),
        "language": language,
    }
    return environment


@cache
def _texts(folder: Path, language: str) -> dict[str, str]:
    if language == ENGLISH:
        return {}
    texts: dict[str, str] = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
    return texts
