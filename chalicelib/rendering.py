"""Pages and letters from templates that escape, in English and in Russian.

English texts stand in the templates, as `_("...")`; the Russian ones in `ru.json` beside them, by the English, with
`{}` for each part that is not always the same.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

ENGLISH, RUSSIAN = "en", "ru"
LANGUAGES = (ENGLISH, RUSSIAN)


def render(folder: Path, template: str, language: str, **values: object) -> str:
    """One of the folder's templates, filled in; `.html` ones escape every value."""
    return _templates(folder, language).get_template(template).render(**values)


def translate(folder: Path, language: str, text: str) -> str:
    """An English text of this folder in the reader's language; English where it has no other."""
    texts = _texts(folder, language)
    if text in texts:
        return texts[text]
    for pattern, translated in _patterns(folder, language):
        if match := pattern.fullmatch(text):
            return translated.format(*(texts.get(part, part) for part in match.groups()))
    return text


@cache
def _templates(folder: Path, language: str) -> Environment:
    """Imported here, so that a call of the API does not pay for it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"_": lambda text: translate(folder, language, text), "language": language}
    return environment


@cache
def _texts(folder: Path, language: str) -> dict[str, str]:
    if language == ENGLISH:
        return {}
    texts: dict[str, str] = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
    return texts


@cache
def _patterns(folder: Path, language: str) -> list[tuple[re.Pattern[str], str]]:
    """Texts with parts that differ, as what finds them."""
    texts = _texts(folder, language).items()
    return [(re.compile(re.escape(text).replace(r"\{\}", "(.+)")), other) for text, other in texts if "{}" in text]
