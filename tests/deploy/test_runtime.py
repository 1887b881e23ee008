"""The Python of the Lambdas is pinned, whatever Python packages them."""

from __future__ import annotations

import importlib.util
import json
import sys
import zipfile
from pathlib import Path

from infra.deploy import ROOT, package
from infra.deploy.package import compile_rest, pin_runtime
from infra.deploy.runtime import LAMBDA_PYTHON, RUNNING, compile_note, compiled_name, find_interpreter, python_of

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


def test_the_same_commit_makes_the_same_package() -> None:
    def made() -> tuple[bytes, bytes]:
        out = package("prod")
        return (out / "sam.json").read_bytes(), (out / "deployment.zip").read_bytes()

    assert made() == made()
