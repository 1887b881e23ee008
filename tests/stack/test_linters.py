"""Linters of the template: cfn-lint checks that it can be deployed, checkov that it is safe."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHECKOV = ROOT / ".venv" / "tools" / "checkov" / "bin" / "checkov"
QUICKER = ROOT / "infra" / "tools" / "run_checkov.py"
EXAMPLES = ROOT / "infra" / "examples"
SKIPPED = re.compile(r"^  - (CKV_[A-Z0-9_]+) +# (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def template(sam: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "sam.json"
    file.write_text(json.dumps(sam))
    return file


def lint_once(template: Path, cache: pytest.Cache, name: str) -> None:
    """As mypy does, it checks only what has changed since the last check that found nothing: it takes five seconds."""
    checked = f"cfn-lint {version('cfn-lint')}: {hashlib.sha256(template.read_bytes()).hexdigest()}"
    if cache.get(f"{name}/checked", None) == checked:
        return
    from cfnlint import lint_file  # here: the import takes a second of every process that collects this file
    from cfnlint.config import ManualArgs

    assert [str(match) for match in lint_file(template, config=ManualArgs(regions=["us-east-1", "eu-central-1"]))] == []
    cache.set(f"{name}/checked", checked)


def test_cfn_lint_finds_nothing_in_the_packaged_template(template: Path, cache: pytest.Cache) -> None:
    lint_once(template, cache, "template")


@pytest.mark.parametrize("example", ["audit-bucket.json", "github-oidc.json", "network.json", "web-acl.json"])
def test_cfn_lint_finds_nothing_in_an_example(example: str) -> None:
    from cfnlint import lint_file
    from cfnlint.config import ManualArgs

    assert [
        str(match) for match in lint_file(EXAMPLES / example, config=ManualArgs(regions=["us-east-1", "eu-central-1"]))
    ] == []


@pytest.mark.stack
def test_checkov_finds_only_exceptions_with_a_reason(template: Path) -> None:
    assert CHECKOV.exists(), "run `make test`, or `make .venv/tools/checkov/.ready`: it installs checkov"
    excepted = dict(SKIPPED.findall((ROOT / "infra" / "checkov.yaml").read_text()))
    assert all(len(reason) > 30 for reason in excepted.values())
    command = [CHECKOV.with_name("python"), QUICKER, "-f", template, "--framework", "cloudformation"]
    command += ["--output", "json", "--quiet", "--skip-download"]  # nothing is downloaded from Prisma Cloud
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["results"]["failed_checks"]
    assert {check["check_id"] for check in found} == set(excepted)
