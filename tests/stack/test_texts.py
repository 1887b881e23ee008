"""User texts are in English and in Russian, both of them whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chalicelib.access.audit import ITSELF
from chalicelib.clients.registry import OPTED_IN, OPTED_OUT
from chalicelib.domain import admission, mailing, message
from chalicelib.domain.audit_record import CHANGED, MADE, REMOVED
from chalicelib.domain.canary import Canary
from chalicelib.domain.principal import ROLES
from chalicelib.rendering import translate

ROOM = Path(__file__).parents[2] / "chalicelib"
FOLDERS = sorted(path.parent for path in ROOM.rglob("ru.json"))
CONSOLE = ROOM / "console" / "templates"
SHOWN_AS_THEY_ARE = {*mailing.STATUSES, *message.STATUSES, *ROLES, MADE, CHANGED, REMOVED, OPTED_OUT, OPTED_IN}
SHOWN_AS_THEY_ARE |= {admission.CLIENT_GONE, admission.OPTED_OUT, ITSELF}


def texts(folder: Path) -> set[str]:
    sources = [path.read_text() for pattern in ("*.html", "*.txt") for path in folder.glob(pattern)]
    return {text for source in sources for text in re.findall(r'_\("([^"]+)"\)', source)}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_text_of_a_template_is_there_in_russian(folder: Path) -> None:
    russian = json.loads((folder / "ru.json").read_text())
    assert texts(folder) <= set(russian)
    assert all(russian.values())
    assert all(key.count("{}") >= value.count("{}") for key, value in russian.items())


def test_every_name_that_the_console_shows_is_there_in_russian() -> None:
    russian = json.loads((CONSOLE / "ru.json").read_text())
    assert set(russian) >= SHOWN_AS_THEY_ARE


def test_a_text_with_parts_that_differ_is_found_by_its_pattern() -> None:
    refused = "Only a running mailing can be paused; this one is scheduled."
    assert translate(CONSOLE, "ru", refused) == "Приостановить можно только идущую рассылку; эта — запланирована."
    assert translate(CONSOLE, "en", refused) == refused
    reason = Canary(5, 10).verdict(3, 5)
    assert translate(CONSOLE, "ru", reason) == "Не удалось отправить 3 из первых 5 сообщений: больше 10 %."
    assert translate(CONSOLE, "ru", "no such text") == "no such text"
