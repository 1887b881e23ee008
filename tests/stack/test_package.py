"""The zip of the Lambdas, the packages that are kept between two runs, and the error of a plain Chalice deploy."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from infra.deploy import ROOT, DeployFailed, package
from infra.deploy.dependencies import HASHES, OPERATIONS, REQUIREMENTS, dependencies, slim
from infra.deploy.hashes import TOOLS
from infra.install import UV_HASHES

OTHER = f"--hash=sha256:{'0' * 64}"
MODULE = "small/__init__.py"
COMMANDS = ["deploy", "deploy --stage prod", "package --stage local out"]
RUN_CHALICE = """
import contextlib, io, json, sys
from chalice.cli import main

answers = {}
for command in json.loads(sys.argv[1]):
    errors = io.StringIO()
    sys.argv = ["chalice", *command.split()]
    with contextlib.redirect_stdout(errors), contextlib.redirect_stderr(errors):
        answers[command] = errors.getvalue() if main() else "done"
print(json.dumps(answers))
"""
"""Runs each command as Chalice's program does, in one process: to import Chalice takes longest."""

ENVIRONMENT = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def project_of(place: Path, *requirements: str) -> Path:
    (place / HASHES).parent.mkdir(parents=True, exist_ok=True)
    (place / HASHES).write_text("\n".join(requirements) + "\n")
    return place


def hashed(wheel: Path) -> str:
    return f"{wheel} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package of one module, so that nothing is downloaded."""
    file = tmp_path / "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as files:
        files.writestr(MODULE, "NUMBER = 1\n")
        files.writestr("small-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
        files.writestr("small-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        files.writestr("small-1.0.dist-info/RECORD", "")
    return file


def test_packages_of_an_interrupted_run_are_not_reused(wheel: Path, tmp_path: Path) -> None:
    project = project_of(tmp_path / "project", hashed(wheel), f"{tmp_path}/missing-1.0-py3-none-any.whl {OTHER}")
    with pytest.raises(DeployFailed, match="could not be downloaded"):
        dependencies(project, "arm64")
    assert list((project / "build" / "dependencies").iterdir()) == []
    found = dependencies(project_of(project, hashed(wheel)), "arm64")
    assert found is not None
    assert (found / MODULE).exists()


@pytest.mark.parametrize("with_uv", [True, False])
@pytest.mark.parametrize("given", ["", OTHER])
def test_a_package_without_its_hash_is_refused(
    wheel: Path, tmp_path: Path, given: str, with_uv: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_uv:
        monkeypatch.setattr("infra.deploy.dependencies.find_uv", lambda: None)
    with pytest.raises(DeployFailed, match="hash"):
        dependencies(project_of(tmp_path / "project", f"{wheel} {given}"), "arm64")


def test_packages_of_a_finished_run_are_reused(wheel: Path, tmp_path: Path) -> None:
    project = project_of(tmp_path / "project", hashed(wheel))
    first = dependencies(project, "arm64")
    wheel.unlink()
    assert dependencies(project, "arm64") == first
    with pytest.raises(DeployFailed):
        dependencies(project, "x86_64")


def test_the_zip_has_the_listed_packages_without_boto3_and_the_command_line_of_chalice() -> None:
    listed = set(re.findall(r"^([A-Za-z][\w-]*)==(\S+)$", (ROOT / REQUIREMENTS).read_text(), re.MULTILINE))
    with zipfile.ZipFile(package("prod") / "deployment.zip") as files:
        names = files.namelist()
    found = {match.groups() for name in names if (match := re.match(r"([^/]+)-([^/-]+)\.dist-info/METADATA$", name))}
    assert {(name.lower().replace("-", "_"), version) for name, version in listed} == {
        (name.lower(), version) for name, version in found
    }
    assert {name for name in names if name.startswith("chalice/") and name.endswith(".py")} == {
        "chalice/__init__.py",
        "chalice/app.py",
    }
    assert not {name.split("/")[0] for name in names} & {"boto3", "s3transfer", "pip", "click", "yaml", "infra"}


def test_a_reduced_api_description_has_all_that_its_operations_need() -> None:
    with zipfile.ZipFile(package("prod") / "deployment.zip") as files:
        for service, operations in OPERATIONS.items():
            (name,) = (name for name in files.namelist() if re.match(rf"botocore/data/{service}/.*/service-2", name))
            reduced = ServiceModel(json.loads(gzip.decompress(files.read(name))))
            complete = ServiceModel(Loader().load_service_model(service, "service-2"))
            assert set(reduced.operation_names) == operations
            for operation in map(reduced.operation_model, operations):
                of_all = complete.operation_model(operation.name)
                assert members(operation.input_shape) == members(of_all.input_shape)
                assert members(operation.output_shape) == members(of_all.output_shape)
                assert [shape.name for shape in operation.error_shapes] == [shape.name for shape in of_all.error_shapes]


def test_reducing_an_api_description_changes_no_other_link_to_its_file(tmp_path: Path) -> None:
    """uv links the files of its cache into the folder of the packages, and into environments."""
    model = {"operations": {"GetParameter": {}, "PutParameter": {}}, "shapes": {}}
    cached, linked = tmp_path / "cached", tmp_path / "botocore" / "data" / "ssm" / "2014-11-06" / "service-2.json.gz"
    cached.write_bytes(gzip.compress(json.dumps(model).encode()))
    before = cached.read_bytes()
    linked.parent.mkdir(parents=True)
    linked.hardlink_to(cached)
    slim(tmp_path)
    assert json.loads(gzip.decompress(linked.read_bytes()))["operations"] == {"GetParameter": {}}
    assert cached.read_bytes() == before


def members(shape: Shape) -> object:
    """The names of all parts of a shape, at every depth."""
    match shape:
        case StructureShape():
            return {name: members(member) for name, member in shape.members.items()}
        case ListShape():
            return [members(shape.member)]
    return shape.type_name


def versions(path: Path) -> set[tuple[str, str]]:
    found = re.findall(r"^([A-Za-z][\w-]*)==([^\s;]+)", path.read_text(), re.MULTILINE)
    return {(name.lower().replace("_", "-"), version) for name, version in found}


def test_the_hashes_are_those_of_the_listed_versions() -> None:
    assert versions(ROOT / HASHES) == versions(ROOT / REQUIREMENTS), "run `make hashes`"
    for listed in TOOLS.glob("*.in"):
        assert versions(listed) <= versions(listed.with_suffix(".txt")), "run `make hashes`"


@pytest.mark.parametrize("file", [ROOT / HASHES, UV_HASHES, *TOOLS.glob("*.txt")], ids=lambda file: file.name)
def test_every_package_of_the_zip_and_of_the_tools_has_a_hash(file: Path) -> None:
    packages = re.split(r"^(?=[a-zA-Z])", file.read_text(), flags=re.MULTILINE)[1:]
    assert packages
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}$", package, re.MULTILINE) for package in packages)


def test_the_requirements_and_the_zip_have_the_same_versions() -> None:
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == f"-c {REQUIREMENTS}"
    unpinned = {line for line in lines[1:] if "==" not in line}
    listed = set(re.findall(r"^([A-Za-z][\w-]*)==", (ROOT / REQUIREMENTS).read_text(), re.MULTILINE))
    assert unpinned <= listed
    assert {line.split("==")[0] for line in lines[1:]} - unpinned == {"boto3", "chalice"}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What Chalice answers to each command in a copy of the project: its errors, or "done"."""
    project = tmp_path_factory.mktemp("plain")
    for part in ("app.py", "chalicelib", ".chalice"):
        copier = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copier(ROOT / part, project / part)
    done = subprocess.run(
        [sys.executable, "-c", RUN_CHALICE, json.dumps(COMMANDS)],
        cwd=project,
        env={**ENVIRONMENT, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not (project / "out").exists()
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("command", COMMANDS)
def test_plain_chalice_deploy_is_refused_with_the_right_command(command: str, refused: dict[str, str]) -> None:
    """Without infra/stack.json the stack would have no tables and no queues."""
    assert "use `make deploy STAGE=...`" in refused[command]
