"""All texts for people are in English and in Russian. Labels of pages and emails are keyed by their English text, in a
`ru.json` beside the templates; errors and reasons by their code, in texts.json.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import texts as catalogue
from chalicelib.access.audit import GATEWAY_AUTHOR, RESERVED_NAMES, SERVICE_AUTHOR
from chalicelib.access.sessions import SESSION_ENDED, SIGNED_OUT, SIGNED_OUT_EVERYWHERE
from chalicelib.access.users import NEW_PASSWORD, SIGNED_IN
from chalicelib.clients.erasure import ERASED, READMITTED
from chalicelib.clients.import_undo import UNDONE_ACTION
from chalicelib.clients.registry import CONSENT_WITHDRAWN, OPTED_IN, OPTED_OUT
from chalicelib.clients.traces import TRACES_ERASED
from chalicelib.console import clients, mailings, series
from chalicelib.console.audit import KINDS
from chalicelib.domain import mailing, message
from chalicelib.domain.audit_record import CHANGED, MADE, REMOVED
from chalicelib.domain.principal import ROLES
from chalicelib.domain.user_session import OTHER_BROWSER
from chalicelib.mailings.test_message import TRIED
from chalicelib.rendering import translate
from chalicelib.texts import AS_WRITTEN, Text, both, either, read_stored
from chalicelib.wording import LANGUAGES

ROOM = Path(__file__).parents[2] / "chalicelib"
FOLDERS = sorted(path.parent for path in ROOM.rglob("ru.json"))
CONSOLE = ROOM / "console" / "templates"
EMAILS = ROOM / "reports" / "templates"
STEPS = {
    "approved",
    SESSION_ENDED,
    SIGNED_OUT_EVERYWHERE,
    ERASED,
    READMITTED,
    TRACES_ERASED,
    "paused",
    "resumed",
    mailing.RUNNING,
    "cancelled",
    "ended",
    "sent again",
    "launch undone",
    "revoked",
}
OF_CLIENTS = {OPTED_OUT, OPTED_IN, CONSENT_WITHDRAWN}
ACTIONS = {MADE, CHANGED, REMOVED, *OF_CLIENTS, TRIED, NEW_PASSWORD, SIGNED_IN, SIGNED_OUT, UNDONE_ACTION, *STEPS}
SUBJECTS = {*KINDS}
NAMES = {OTHER_BROWSER, *mailing.STATUSES, *message.STATUSES, *ROLES, *SUBJECTS, SERVICE_AUTHOR, GATEWAY_AUTHOR}
NAMES |= {f"audit: {action}" for action in ACTIONS}
QUESTIONS = {*mailings.QUESTIONS.values(), *series.QUESTIONS.values(), *clients.QUESTIONS.values()}
STATUS_LABELS = {status.capitalize() for status in mailing.STATUSES}
CATALOGUE: dict[str, dict[str, str]] = json.loads(catalogue.TEMPLATES.read_text())


def labels(folder: Path) -> set[str]:
    patterns = ("*.html", "*.txt")
    sources = [path.read_text() for pattern in patterns for path in folder.glob(pattern)]
    sources += [path.read_text() for path in [ROOM / "reports" / "email.py"] if folder == EMAILS]
    return {text for source in sources for text in re.findall(r'_\("([^"]+)"[,)]', source)}


def russian(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "ru.json").read_text())
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_label_of_a_template_has_a_russian_translation(folder: Path) -> None:
    texts = russian(folder)
    assert labels(folder) <= set(texts)
    assert all(texts.values())
    assert all(parameters(key) == parameters(value) for key, value in texts.items())


def test_every_name_that_the_console_shows_has_a_russian_translation() -> None:
    assert set(russian(CONSOLE)) >= NAMES | QUESTIONS


@pytest.mark.parametrize("author", [SERVICE_AUTHOR, GATEWAY_AUTHOR])
def test_no_author_can_have_the_name_by_which_the_console_shows_the_service_or_the_gateway(author: str) -> None:
    assert {author, russian(CONSOLE)[author]} <= RESERVED_NAMES


def test_every_label_is_used() -> None:
    assert set(russian(CONSOLE)) - labels(CONSOLE) <= NAMES | QUESTIONS
    assert set(russian(EMAILS)) - labels(EMAILS) <= {*message.STATUSES, "Start", "End"} | STATUS_LABELS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_no_error_is_keyed_by_its_english_text(folder: Path) -> None:
    """The names of statuses are labels as well."""
    english = {template["en"] for template in CATALOGUE.values()} - NAMES
    assert not english & set(russian(folder))
    assert translate(folder, "ru", "at 5 messages a second") == "at 5 messages a second", "patterns are not matched"


def parameters(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_has_a_template_in_each_language_with_the_same_parameters(code: str) -> None:
    templates = CATALOGUE[code]
    assert list(templates) == list(LANGUAGES)
    assert all(templates.values())
    assert parameters(templates["en"]) == parameters(templates["ru"])
    assert "code" not in parameters(templates["en"]), "`code` is the key of the code in a stored text"
    words = re.findall("[А-Яа-яЁё]+", templates["ru"])
    assert words or not re.findall("[A-Za-z]+", re.sub(r"{[^}]*}", "", templates["en"]))


def texts_of(source: Path) -> Iterator[tuple[set[str], set[str], int]]:
    """Every `Text(...)` of a module: its possible codes, the names of its parameters, and its line."""
    for node in ast.walk(ast.parse(source.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "Text":
            continue
        (code,) = node.args
        parts = {str(keyword.arg) for keyword in node.keywords}
        match code:
            case ast.Constant(value=str(name)):
                yield {name}, parts, node.lineno
            case ast.Name(id="AS_WRITTEN"):
                yield {AS_WRITTEN}, parts, node.lineno
            case ast.JoinedStr(values=[ast.Constant(value=str(prefix)), _]):
                yield _codes_like(prefix, parts), parts, node.lineno
            case _:
                raise AssertionError(f"{source}:{node.lineno}: a code is written out, or begins so")


def _codes_like(prefix: str, parts: set[str]) -> set[str]:
    """The codes that begin with this prefix and have these parameters."""
    return {code for code in CATALOGUE if code.startswith(prefix) and parameters(CATALOGUE[code]["en"]) == parts}


SOURCES = [path for path in sorted(ROOM.rglob("*.py")) if path.name != "texts.py"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOM)))
def test_every_text_has_a_known_code_and_exactly_its_parameters(source: Path) -> None:
    for codes, parts, line in texts_of(source):
        assert codes, f"line {line}"
        for code in codes:
            assert code in CATALOGUE, f"line {line}"
            assert parts == parameters(CATALOGUE[code]["en"]), f"line {line}"


def test_every_code_is_used() -> None:
    used = {code for source in SOURCES for codes, _, _ in texts_of(source) for code in codes}
    assert set(CATALOGUE) == used | {"either", "both"}, "these two are texts.py's own"


def test_a_text_is_rendered_in_either_language_with_its_parameters() -> None:
    refused = Text("step.pause", status=Text("mailing_status.scheduled"))
    assert str(refused) == refused.in_language("en") == "Only a running mailing can be paused; this one is scheduled."
    assert refused.in_language("ru") == "Приостановить можно только идущую рассылку, а эта запланирована."
    role = Text("access.role", given="{x}", choices=either(("admin", "read")))
    assert str(role) == '"{x}" is not a valid choice: admin or read is expected.'
    assert role.in_language("ru") == "Роли «{x}» нет: нужно admin или read."
    assert Text(AS_WRITTEN, text=both(["a", "b", "c"])).in_language("ru") == "a и b и c"
    assert either(["a"]) == "a"


def test_an_unknown_code_of_a_later_version_is_rendered_as_it_is() -> None:
    assert str(Text("gateway.on_strike", until=5)) == "gateway.on_strike"


PARTS = st.one_of(st.integers(), st.text())
NESTED = PARTS | st.builds(lambda text: Text(AS_WRITTEN, text=text), PARTS)


@given(st.sampled_from(sorted(CATALOGUE)), st.data())
def test_a_text_is_read_as_it_was_stored(code: str, data: st.DataObject) -> None:
    text = Text(code, **{name: data.draw(NESTED) for name in sorted(parameters(CATALOGUE[code]["en"]))})
    assert read_stored(json.loads(json.dumps(text.stored))) == text
    assert all(isinstance(text.in_language(language), str) for language in LANGUAGES)
