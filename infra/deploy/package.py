"""Package a stage: the merged template, and one zip for all functions."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from .dependencies import dependencies
from .errors import DeployFailed
from .options import add_options
from .runtime import compile_modules, compiled_name, python_of
from .schema import tag_tables

ROOT = Path(__file__).parents[2]
PYTHONS = range(11, 15)
"""Python 3.11 to 3.14: those on which Chalice packages."""

CONFIG = Path(".chalice") / "config.json"
LOG_GROUP = "LogGroup"
"""The end of the logical id of the log group that Chalice makes for a function."""

GUARD = "api_gateway_policy_file"
"""A key in config.json with the name of a file that does not exist. `chalice deploy` and `chalice package` leave out
infra/stack.json, so they must fail; the name in their error says what to use instead."""


def package(stage: str, project: Path = ROOT) -> Path:
    """Write sam.json and deployment.zip into build/<stage>. The packages in the zip are downloaded once.

    Simultaneous runs are safe: both files are complete when they are moved into build/<stage>.
    """
    if sys.version_info.minor not in PYTHONS:
        raise DeployFailed(
            f"Chalice packages on Python 3.11 to 3.14, not on 3.{sys.version_info.minor}: run make clean, then "
            "PYTHON=python3.13 make ..."
        )
    python = python_of(stage)
    out = project / "build" / stage
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="package-", dir=out.parent) as folder:
        project_copy = copy_project(project, Path(folder))
        packages = dependencies(project, architecture_of(project_copy, stage), python)
        if packages is not None:
            (project_copy / "vendor").symlink_to(packages)
        packaged = project_copy / "out"
        run_chalice_package(project_copy, stage, packaged)
        pin_runtime(packaged / "sam.json", python)
        compile_rest(packaged / "deployment.zip", python)
        for file in packaged.iterdir():
            file.replace(out / file.name)
    return out


def copy_project(project: Path, target: Path) -> Path:
    """Copy what Chalice packages: not requirements.txt, which is for laptops, and not the guard in config.json."""
    shutil.copy2(project / "app.py", target)
    for name in (".chalice/policies", "chalicelib"):
        if (project / name).exists():
            shutil.copytree(project / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    (target / CONFIG).parent.mkdir(exist_ok=True)
    config = json.loads((project / CONFIG).read_text())
    config.pop(GUARD, None)
    (target / CONFIG).write_text(json.dumps(config))
    (target / "infra").mkdir()
    shutil.copy2(project / "infra" / "stack.json", target / "infra")
    return target


def architecture_of(project: Path, stage: str) -> str:
    config = json.loads((project / CONFIG).read_text())
    of_stage = config.get("stages", {}).get(stage, {})
    return str(of_stage.get("lambda_architecture") or config.get("lambda_architecture") or "x86_64")


def run_chalice_package(project: Path, stage: str, out: Path) -> None:
    """`project` is a copy, see copy_project. Chalice puts its runtime, the app and vendor/ into the zip."""
    # -B: Chalice imports the app, and what that would compile into the copy would be in the zip, checked by time.
    command = [sys.executable, "-B", "-c", "import sys; from chalice.cli import main; sys.exit(main())", "package"]
    command += ["--stage", stage, "--merge-template", "infra/stack.json", str(out)]
    # Chalice needs a region, although nothing in the template depends on it.
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or "us-east-1"
    environment = {**os.environ, "AWS_DEFAULT_REGION": region}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DeployFailed(f"chalice package failed: {(done.stdout + done.stderr).strip()[-2000:]}")
    complete(out / "sam.json", stage)


def complete(file: Path, stage: str) -> None:
    """Add the options of an account and the schema of the tables to the packaged template, and bind it to its stage.

    A deploy of the template by other means cannot make it a stage `local`, which accepts the published token.
    """
    template = json.loads(file.read_text())
    add_options(template)
    tag_tables(template)
    join_names(template)
    template["Parameters"]["Stage"]["AllowedPattern"] = f"^{stage}$"
    file.write_text(json.dumps(template, indent=2))


def join_names(template: dict[str, Any]) -> None:
    """Name log groups that have a condition without Fn::Sub, which LocalStack 4.13 evaluates also where the condition
    leaves out the function. AWS does not.
    """
    for name, group in template["Resources"].items():
        if group["Type"] == "AWS::Logs::LogGroup" and "Condition" in group and name.endswith(LOG_GROUP):
            function = {"Ref": name.removesuffix(LOG_GROUP)}
            group["Properties"]["LogGroupName"] = {"Fn::Join": ["", ["/aws/lambda/", function]]}


def pin_runtime(template: Path, python: str) -> None:
    """Chalice writes the Python that runs it."""
    content = json.loads(template.read_text())
    for resource in content["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["Runtime"] = f"python{python}"
    template.write_text(json.dumps(content, indent=2))


def compile_rest(archive: Path, python: str) -> None:
    """Add the compiled modules of the app and of Chalice; those of the packages are already in the zip."""
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as files, tempfile.TemporaryDirectory() as folder:
        names = set(files.namelist())
        modules = [entry for entry in files.infolist() if entry.filename.endswith(".py")]
        missing = [entry for entry in modules if compiled_name(entry.filename, python) not in names]
        for module in missing:
            files.extract(module, folder)
        compile_modules(Path(folder), python)
        for module in missing:
            compiled = copy.copy(module)  # keeps the file mode: Lambda reads it as another user
            compiled.filename = compiled_name(module.filename, python)
            if (file := Path(folder) / compiled.filename).exists():
                files.writestr(compiled, file.read_bytes())
