"""Each list of requirements has the packages that are imported where it is installed."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.deploy import ROOT

FROM_OTHERS = {"yarl": "aiohttp", "multidict": "aiohttp"}
"""Packages that are installed as dependencies of another package, and are part of its interface."""

RUN_BY_THEIR_OWN_TOOLS = {"run_checkov.py", "localstack_executor.py", "localstack_tables.py"}
"""Packages in a separate environment."""

OURS = {"app", "chalicelib", "infra"}


def listed(path: str) -> set[str]:
    """Names in a list and in its included lists, as they are imported."""
    file = ROOT / path
    names = set()
    for line in file.read_text().splitlines():
        if line.startswith("-r "):
            names |= listed(str((file.parent / line[3:]).resolve().relative_to(ROOT)))
        elif match := re.match(r"[A-Za-z][\w-]*", line):
            names.add(match[0].lower().replace("-", "_"))
    return names


def imported(files: Iterable[Path]) -> set[str]:
    names = {name.split(".")[0].lower() for file in files for name in _imports(ast.parse(file.read_text()))}
    return {FROM_OTHERS.get(name, name) for name in names - OURS - set(sys.stdlib_module_names)}


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)


def test_the_service_imports_the_packages_of_requirements_txt() -> None:
    modules = imported([ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")])
    assert modules <= listed("requirements.txt")
    assert modules - {"chalice"} <= listed("infra/deploy/lambda-requirements.txt")


def test_the_deploy_and_the_local_stack_need_no_packages_of_the_checks() -> None:
    files = [file for file in (ROOT / "infra").rglob("*.py") if file.name not in RUN_BY_THEIR_OWN_TOOLS]
    at_run_time = {"aws_sam_translator"}  # MiniStack needs it to accept the template
    assert imported(files) | at_run_time <= listed("infra/local/requirements.txt")


def test_chalice_local_and_its_environment_need_only_requirements_txt() -> None:
    named = [ROOT / "infra" / "local" / f"{name}.py" for name in ("environment", "deployment", "seed")]
    files = [*named, ROOT / "infra" / "install.py", *(ROOT / "infra" / "deploy").glob("*.py")]
    assert imported(files) <= listed("requirements.txt")
