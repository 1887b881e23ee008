"""The packaged template, made once: Chalice's own and ours, merged, and translated as CloudFormation would."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parents[2]
PARTS = ("app.py", "chalicelib", ".chalice", "infra")


@pytest.fixture(scope="session")
def sam(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Packaged from a copy without requirements, so that no wheel is fetched."""
    project = tmp_path_factory.mktemp("package")
    for part in PARTS:
        copier = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copier(ROOT / part, project / part)
    (project / "requirements.txt").write_text("")
    command = [sys.executable, "-c", "from chalice.cli import main; main()", "package", "--stage", "local"]
    command += ["--merge-template", "infra/stack.json", "out"]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    template: dict[str, Any] = json.loads((project / "out" / "sam.json").read_text())
    return template


@pytest.fixture(scope="session")
def resources(sam: dict[str, Any]) -> dict[str, Any]:
    """After the SAM transformation; it raises when the template is not valid."""
    template = copy.deepcopy(sam)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"
    translator = Translator({}, Parser())
    found: dict[str, Any] = translator.translate(template, {"GatewayUrl": "http://gateway"})["Resources"]
    return found


@pytest.fixture(scope="session")
def functions(resources: dict[str, Any]) -> dict[str, Any]:
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::Lambda::Function"}
