"""The Python of the Lambdas is pinned, whatever Python packages them."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from infra.deploy import ROOT, package
from infra.deploy.package import compile_rest, pin_runtime
from infra.deploy.runtime import LAMBDA_PYTHON, RUNNING, compile_note, compiled_name, find_interpreter, python_of
from infra.deploy.stack import prepare

from .conftest import Cloud

OPTIONS = {
    "API_DOMAIN": "sms.example.com",
    "AUDIT_BUCKET": "audit-of-example",
    "GATEWAY_SUBNETS": "subnet-0a1b",
    "GRADUAL_DEPLOY": "Canary10Percent5Minutes",
    "KMS_KEY_ARN": "arn:aws:kms:eu-west-1:123456789012:key/1",
    "PERMISSIONS_BOUNDARY": "arn:aws:iam::123456789012:policy/limit",
    "REPORT_RECIPIENTS": "anna@example.com",
    "STACK_TAGS": "team=sms",
    "TRACING": "Active",
}
UNKNOWN = "3.1"
"""A version of which no machine has an interpreter."""


def test_the_runtime_of_a_stage_is_pinned_and_the_local_stack_follows_its_interpreter() -> None:
    assert python_of("prod") == LAMBDA_PYTHON
    assert python_of("local") == RUNNING
    template = json.loads((package("prod") / "sam.json").read_text())
    functions = [one for one in template["Resources"].values() if one["Type"] == "AWS::Serverless::Function"]
    assert {one["Properties"]["Runtime"] for one in functions} == {f"python{LAMBDA_PYTHON}"}
    assert len(functions) > 10


def test_another_python_that_packages_leaves_no_trace_in_the_template(tmp_path: Path) -> None:
    def packaged_by(running: str) -> bytes:
        file = tmp_path / "sam.json"
        function = {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": running, "Handler": "app.app"}}
        file.write_text(json.dumps({"Resources": {"Sweep": function, "Queue": {"Type": "AWS::SQS::Queue"}}}))
        pin_runtime(file, LAMBDA_PYTHON)
        return file.read_bytes()

    assert packaged_by("python3.13") == packaged_by("python3.14")
    assert f'"python{LAMBDA_PYTHON}"'.encode() in packaged_by("python3.13")


def test_a_compiled_module_is_where_its_python_looks_for_it() -> None:
    assert compiled_name("chalicelib/texts.py", RUNNING) == importlib.util.cache_from_source("chalicelib/texts.py")
    assert compiled_name("app.py", "3.14") == "__pycache__/app.cpython-314.pyc"


def test_without_an_interpreter_of_the_pinned_version_nothing_is_compiled_and_that_is_said(tmp_path: Path) -> None:
    archive = tmp_path / "deployment.zip"
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", "NUMBER = 1\n")
    compile_rest(archive, UNKNOWN)
    assert zipfile.ZipFile(archive).namelist() == ["app.py"]
    assert "each cold start compiles what it imports" in (compile_note(UNKNOWN) or "")
    assert find_interpreter(RUNNING) == sys.executable
    assert compile_note(RUNNING) is None
    compile_rest(archive, RUNNING)
    assert zipfile.ZipFile(archive).namelist() == ["app.py", compiled_name("app.py", RUNNING)]


def test_the_page_names_the_pinned_version() -> None:
    assert f"`python{LAMBDA_PYTHON}`" in (ROOT / "docs" / "DEPLOY.md").read_text()


def test_the_same_commit_makes_the_same_package_in_every_checkout_and_with_all_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All options are parameters and conditions of one template. A checkout has its own times of files."""

    def made(project: Path) -> tuple[bytes, bytes]:
        out = package("prod", project)
        return (out / "sam.json").read_bytes(), (out / "deployment.zip").read_bytes()

    first = made(ROOT)
    for name, value in OPTIONS.items():
        monkeypatch.setenv(name, value)
    assert made(other_checkout(tmp_path)) == first


def other_checkout(place: Path) -> Path:
    for part in ("app.py", "chalicelib", ".chalice", "infra"):
        copier = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copier(ROOT / part, place / part)
    for file in place.rglob("*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    (place / "build").mkdir()
    (place / "build" / "dependencies").symlink_to(ROOT / "build" / "dependencies")
    return place


def test_the_same_options_make_the_same_uploaded_template(cloud: Cloud) -> None:
    """It is uploaded under its hash. Three options are added to the packaged template."""
    given = {"GatewayUrl": "https://sms.example.com", "ApiAllowedCidrs": "203.0.113.0/24"}
    given |= {"GradualDeploy": "Canary10Percent5Minutes", "ExtraTemplate": "infra/examples/extra.json"}
    uploaded = [prepare("prod", "notifications-prod", parameters).url for parameters in (given, given, {})]
    assert uploaded[0] == uploaded[1] != uploaded[2]
