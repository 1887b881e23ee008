"""The pages in docs/: links have targets, every page is listed, and the pages agree with the code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from chalicelib.api.operations import OPERATIONS
from chalicelib.domain import job_bodies, mailing, message
from chalicelib.domain.allowed_steps import ALLOWED_IN, CANCEL, FIXED_AFTER_START, PAUSE, RESEND, RESUME
from chalicelib.gateways.registry import NAMES
from tests.e2e.test_contract import COMMANDS

from .test_imports import ORDER

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
PAGES_OF_PROVIDERS = sorted(DOCS.glob("gateways/*.md"))
ARCHITECTURE = (DOCS / "ARCHITECTURE.md").read_text()
API = (DOCS / "API.md").read_text()
ROOMS = (r"\.chalice", "bench", "chalicelib", "infra", "tests", "tools")
STEPS = "Pause, resume, cancel, resend"
LINK = re.compile(r"\]\(([^)\s]+)\)")
ROW = re.compile(r"^\|(.*)\|$", re.MULTILINE)


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes from headings."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def cells(section: str, heading: str, text: str = ARCHITECTURE) -> list[list[str]]:
    """The rows of the table in a section, without its head."""
    table = text.partition(f"\n{section} {heading}\n")[2].partition("\n#")[0]
    return [[cell.strip() for cell in row.split("|")] for row in ROW.findall(table)][2:]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def modules() -> list[str]:
    return [f"/{file.relative_to(ROOT)}" for room in ROOMS[1:] for file in (ROOT / room).rglob("*.py")]


@pytest.mark.parametrize("page", PAGES + PAGES_OF_PROVIDERS, ids=lambda page: page.name)
def test_every_link_of_a_page_has_a_target(page: Path) -> None:
    broken = []
    for link in LINK.findall(without_code(page.read_text())):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if link.startswith("https://"):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_index_lists_every_page() -> None:
    index = LINK.findall((DOCS / "README.md").read_text())
    assert set(index) == {page.name for page in PAGES} - {"README.md"}


def test_every_provider_has_a_row_and_every_page_of_a_provider_a_link() -> None:
    rows = cells("##", "Providers", (DOCS / "GATEWAYS.md").read_text())
    assert {code(row[0])[0] for row in rows} == set(NAMES)
    linked = {link for row in rows for link in LINK.findall(row[1]) if link.startswith("gateways/")}
    assert linked == {f"gateways/{page.name}" for page in PAGES_OF_PROVIDERS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_of_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )*make ([a-z-]+)\b", page.read_text(), re.MULTILINE)) <= targets


def test_the_api_page_has_every_route_with_its_methods() -> None:
    shown = {code(address)[0]: set(methods.split(", ")) for address, methods, *_ in cells("##", "Addresses", API)}
    real: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        real.setdefault(operation.path, set()).add(operation.method.upper())
    assert shown == real


def test_the_api_page_has_the_published_calls() -> None:
    block = API.partition("```bash\n")[2].partition("```")[0]
    calls = [command.format(client=1, mailing=1) for command in COMMANDS]
    assert [words(line) for line in block.strip().splitlines()] == [words(call) for call in calls]


def words(call: str) -> list[str]:
    """Sorted, because the order of form fields has no meaning."""
    return sorted(call.split())


def test_the_api_page_allows_the_steps_that_the_domain_allows() -> None:
    shown = {code(step)[0]: set(code(statuses)) for step, statuses, _ in cells("###", STEPS, API)}
    assert shown == {step: set(ALLOWED_IN[step]) for step in (PAUSE, RESUME, CANCEL, RESEND)}


def test_the_api_page_names_the_fields_that_are_fixed_after_the_start() -> None:
    sentence = re.search(r"After the start (.*?) are fixed", API, re.DOTALL)
    assert sentence
    assert code(sentence[1]) == list(FIXED_AFTER_START)


def test_the_rooms_of_the_architecture_page_are_those_of_the_import_test() -> None:
    assert [set(code(rooms)) for rooms, _ in cells("###", "The order of imports")] == list(reversed(ORDER))


@pytest.mark.parametrize(
    ("heading", "may_become"),
    [("States of a mailing", mailing.MAY_BECOME), ("States of a message", message.MAY_BECOME)],
    ids=["mailing", "message"],
)
def test_the_states_of_the_architecture_page_are_those_of_the_domain(
    heading: str, may_become: Mapping[str, set[str]]
) -> None:
    shown = {(before, after) for row in cells("##", heading) for before in code(row[0]) for after in code(row[1])}
    assert shown == {(before, after) for before, to in may_become.items() for after in to if after != before}


def test_the_queues_of_the_architecture_page_carry_every_job() -> None:
    shown = [name for row in cells("###", "Queues") for name in code(row[1])]
    assert sorted(shown) == sorted(kind.__name__ for kind in job_bodies.KINDS.values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    names = re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w./-]*)`", without_code(page.read_text()))
    assert [name for name in names if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_that_a_page_names_by_the_end_of_its_path_exists(page: Path) -> None:
    names = re.findall(r"`((?:[\w-]+/)+\w+\.py)`", without_code(page.read_text()))
    ours = [f"/{name}" for name in names if not name.startswith("botocore/")]
    assert [name for name in ours if not any(path.endswith(name) for path in modules())] == []


def test_each_of_the_ten_questions_is_answered_with_a_file() -> None:
    answers = cells("##", "Ten questions")
    assert len(answers) == 10
    assert all(question.endswith("?") for question, _ in answers)
    assert [answer for _, answer in answers if not (ROOT / code(answer)[0]).is_file()] == []


def test_the_glossary_has_each_term_once_with_its_russian_word() -> None:
    glossary = (DOCS / "GLOSSARY.md").read_text()
    headings = re.findall(r"^## (.*)$", glossary, re.MULTILINE)
    rows = [row for heading in headings for row in cells("##", heading, glossary)]
    assert len(rows) == len({term for term, *_ in rows}) > 90
    assert [row for row in rows if len(row) != 3 or not re.search("[а-я]", row[1])] == []
