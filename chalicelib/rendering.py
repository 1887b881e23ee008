"""Pages and letters from templates that escape, in English and in Russian.

Labels and sentences of the pages stand in the templates in English, as `_("...")`; the Russian ones in `ru.json` beside
them, by the English. A Text, such as a refusal, has its own templates: `say(text)`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .texts import ENGLISH

if TYPE_CHECKING:
    from jinja2 import Environment


def render(folder: Path, template: str, language: str, **values: object) -> str:
    """One of the folder's templates, filled in; `.html` ones escape every value."""
    return _templates(folder, language).get_template(template).render(**values)


def translate(folder: Path, language: str, text: str) -> str:
    """An English text of this folder in the reader's language; English where it has no other."""
    return _texts(folder, language).get(text, text)


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
    environment.globals |= {
        "_": lambda text: translate(folder, language, text),
        "say": lambda text: text.told(language),
        "language": language,
    }
    return environment


@cache
def _texts(folder: Path, language: str) -> dict[str, str]:
    if language == ENGLISH:
        return {}
    texts: dict[str, str] = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
    return texts
