"""The packaged template, made once: Chalice's template and ours, merged and translated as CloudFormation would."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from infra.deploy import ROOT
from infra.deploy.package import copy_project, run_chalice_package


@pytest.fixture(scope="session")
def sam(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Packaged as a deploy does it, but without packages: nothing is downloaded."""
    project = copy_project(ROOT, tmp_path_factory.mktemp("package"))
    run_chalice_package(project, "local", project / "out")
    template: dict[str, Any] = json.loads((project / "out" / "sam.json").read_text())
    return template


@pytest.fixture(scope="session")
def resources(sam: dict[str, Any]) -> dict[str, Any]:
    return translated(sam)


def translated(sam: dict[str, Any]) -> dict[str, Any]:
    """The resources after the SAM transformation, which raises an error if the template is not valid."""
    from samtranslator.parser.parser import Parser  # here: the import takes half a second of every process of the tests
    from samtranslator.translator.translator import Translator

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
