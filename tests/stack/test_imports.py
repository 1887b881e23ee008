"""Imports go in one direction, and a Lambda loads only what it needs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "chalicelib").rglob("*.py"))
PROVIDERS = {"boto3", "botocore", "pynamodb", "requests", "urllib3"}

ORDER = (
    {"__version__", "wording"},
    {"texts"},
    {"errors"},
    {"domain"},
    {"rendering", "zones"},
    {"gateways", "rules"},
    {"secret_names", "setting_values"},
    {"field_rules"},
    {"condition_rules"},
    {"fields", "logs", "representation", "retries", "settings"},
    {"series_fields"},
    {"adapters"},
    {"access"},
    {"clients"},
    {"delivery"},
    {"mailings"},
    {"http", "reports", "runtime"},
    {"api", "console", "workers"},
)
"""From the bottom up: a room imports itself and lower rooms, and no room of its own level."""


def room(module: Path) -> str:
    """The folder under chalicelib, or the name of a module outside the folders."""
    parts = module.relative_to(ROOT / "chalicelib").parts
    return parts[0].removesuffix(".py")


def imports(module: Path) -> Iterator[str]:
    """Absolute names of all imports, including those for type checkers."""
    package = ["chalicelib", *module.relative_to(ROOT / "chalicelib").parts[:-1]]
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(ORDER) if name in rooms)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_a_module_imports_only_what_its_room_allows(module: Path) -> None:
    ours = {name.split(".")[1] for name in imports(module) if name.startswith("chalicelib.")}
    theirs = {name.split(".")[0] for name in imports(module) if not name.startswith("chalicelib")}
    here = room(module)
    if here != "__init__":
        assert {name for name in ours if name != here and floor(name) >= floor(here)} == set()
    if here not in ("adapters", "gateways"):
        assert not theirs & PROVIDERS
    if here == "domain":
        assert theirs <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_the_environment_and_the_clock_are_read_in_one_module_each(module: Path) -> None:
    text = module.read_text()
    assert ("os.environ" in text) == (module.name == "settings.py")
    asks_the_time = "datetime.now(" in text or "time.time(" in text
    assert asks_the_time == (module.name == "clock.py")


def value_after(statement: str, value: str) -> Any:
    """The value of an expression after a statement, in a new process."""
    code = f"import gc, json, sys; {statement}; print(json.dumps({value}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def loaded_by(statement: str) -> set[str]:
    return set(value_after(statement, "sorted(sys.modules)"))


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        (
            "chalicelib.workers.send_queue",
            {
                "app",
                "chalicelib.api",
                "chalicelib.console",
                "chalicelib.clients.registry",
                "chalicelib.delivery.reconcile",
                "chalicelib.delivery.repairs",
                "chalicelib.domain.audience_slice",
                "pytz",
                "boto3",
            },
        ),
        ("chalicelib.workers.jobs", {"app", "chalicelib.api", "pytz", "requests", "boto3"}),
        (
            "chalicelib.workers.receipts",
            {"app", "chalicelib.api", "chalicelib.delivery.sender", "pytz", "requests", "boto3"},
        ),
        ("chalicelib.workers.imports", {"app", "chalicelib.api", "chalicelib.delivery.sender", "requests", "boto3"}),
        ("chalicelib.workers.schedules", {"app", "chalicelib.api", "pytz", "requests", "boto3"}),
        (
            "chalicelib.workers.dead_letters",
            {"app", "chalicelib.api", "chalicelib.delivery.sender", "pynamodb", "requests"},
        ),
        ("chalicelib.workers.tokens", {"app", "chalicelib.api", "chalicelib.delivery.sender", "pynamodb", "requests"}),
        (
            "chalicelib.workers.reports",
            {"app", "chalicelib.api", "requests", "pynamodb", "botocore.session", "jinja2", "pytz"},
        ),
        (
            "chalicelib.api.authorizer",
            {"app", "chalicelib.api.client_routes", "chalicelib.delivery.sender", "pytz", "requests"},
        ),
        ("app", {"boto3", "moto", "infra"}),
    ],
)
def test_a_lambda_loads_only_what_it_needs(module: str, forbidden: set[str]) -> None:
    """In an empty environment: an import needs no variable, no region and no credentials."""
    loaded = loaded_by(f"import {module}")
    assert not loaded & forbidden


def test_a_sender_opens_its_tables_without_what_only_the_api_needs() -> None:
    opened = "services.mailings, services.clients, services.messages, services.rates"
    loaded = loaded_by(
        "from chalicelib.adapters.services import Services; from chalicelib.settings import Settings; "
        f"services = Services(Settings(stack_name='test')); {opened}"
    )
    assert "chalicelib.adapters.tables.mailings" in loaded
    assert not loaded & {
        "chalicelib.adapters.tables.drafts",
        "chalicelib.adapters.tables.mailing_parts",
        "chalicelib.domain.client_search",
        "chalicelib.domain.draft",
        "chalicelib.domain.erasure",
        "chalicelib.domain.mailing_outline",
        "chalicelib.domain.mailing_search",
        "chalicelib.domain.principal",
    }


@pytest.mark.parametrize("module", ["app", "chalicelib.workers.send_queue", "chalicelib.runtime"])
def test_a_cold_start_rarely_collects_garbage(module: str) -> None:
    assert value_after(f"import {module}", "gc.get_threshold()")[0] >= 10_000


def test_the_api_loads_no_worker_in_lambda() -> None:
    loaded = loaded_by("import os; os.environ['AWS_LAMBDA_FUNCTION_NAME'] = 'api'; import app")
    assert not loaded & {"chalicelib.delivery.fanout", "chalicelib.delivery.reconcile", "chalicelib.delivery.sender"}
    assert {name for name in loaded if name.startswith("chalicelib.workers")} == set()


def test_only_tests_import_tests() -> None:
    programs = [file for folder in ("bench", "chalicelib", "infra", "tools") for file in (ROOT / folder).rglob("*.py")]
    assert programs
    assert [
        file.name for file in programs if re.search(r"^\s*(from|import) tests\b", file.read_text(), re.MULTILINE)
    ] == []


def test_importing_the_app_creates_no_client_of_aws() -> None:
    assert not loaded_by("import app") & {"botocore.client", "botocore.session", "pynamodb"}
