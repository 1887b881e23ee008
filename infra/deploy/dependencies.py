"""The packages of the Lambdas: downloaded for their processor, reduced to what the functions use, and compiled."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.install import find_uv, run_uv

from .errors import DeployFailed
from .runtime import RUNNING, compile_modules, find_interpreter

REQUIREMENTS = Path("infra") / "deploy" / "lambda-requirements.txt"
HASHES = Path("infra") / "deploy" / "lambda-hashes.txt"
"""The packages of REQUIREMENTS with the SHA-256 of their wheels, made by infra/deploy/hashes.py."""

SERVICES = {"dynamodb", "s3", "scheduler", "ses", "sqs", "ssm", "sts"}
"""The AWS services that the adapters call, and sts for credentials. A test compares them with the adapters."""

OPERATIONS = {"ssm": {"GetParameter"}}
"""The called operations of services whose models have far more: reading all of ssm takes 14 ms of a cold start. A test
compares them with the adapters."""

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Names of processors: Lambda's and those in the tags of wheels."""

INSTALLER_FILES = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json")


def dependencies(project: Path, architecture: str, python: str = RUNNING) -> Path | None:
    """A folder in build/dependencies, made once for each list, processor and Python; None if there is no list.

    The folder gets its final name when it is complete, so an interrupted run leaves nothing that a later run uses.
    """
    requirements = project / HASHES
    if not requirements.exists():
        return None
    compiled = "sources" if find_interpreter(python) is None else "compiled"
    made_from = [requirements.read_text(), Path(__file__).read_text(), python, compiled, architecture]
    folder = project / "build" / "dependencies" / hashlib.sha256("\n".join(made_from).encode()).hexdigest()[:16]
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=folder.parent) as scratch:
        unfinished = Path(scratch) / "packages"
        fetch(requirements, unfinished, MACHINES[architecture], python)
        slim(unfinished)
        compile_modules(unfinished, python)
        with suppress(OSError):  # a simultaneous run has made the same folder
            unfinished.rename(folder)
    return folder


def fetch(requirements: Path, folder: Path, machine: str, python: str) -> None:
    """Download wheels for Lambda's Linux on any machine; with uv if it is installed, with pip otherwise.

    A wheel without one of the listed hashes is refused.
    """
    arguments = ["-r", str(requirements), "--require-hashes", "--target", str(folder), "--no-deps"]
    arguments += ["--only-binary", ":all:"]
    arguments += ["--python-version", python]
    linux = ["--python", sys.executable, "--python-platform", f"{machine}-manylinux2014"]
    if run_uv(find_uv(), [*arguments, *linux]):
        return
    linux = ["--implementation", "cp", "--platform", f"manylinux2014_{machine}", "--no-compile"]
    command = [sys.executable, "-m", "pip", "install", "-q", *arguments, *linux]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DeployFailed(f"the packages of {HASHES} could not be downloaded: {done.stderr.strip()[-2000:]}")


def slim(folder: Path) -> None:
    """Remove botocore's models of services and of operations that are never called.

    Those of services would be most of the zip. The installer's own files go as well, so that uv and pip make the same
    folder.
    """
    for service in folder.glob("botocore/data/*/"):
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    for name, operations in OPERATIONS.items():
        for model in folder.glob(f"botocore/data/{name}/*/service-2.json.gz"):
            kept = of_operations(json.loads(gzip.decompress(model.read_bytes())), operations)
            model.unlink()  # uv links files into its cache: writing into this one would change every environment
            model.write_bytes(gzip.compress(json.dumps(kept).encode(), mtime=0))
    shutil.rmtree(folder / "bin", ignore_errors=True)
    records = [file for name in INSTALLER_FILES for file in folder.glob(f"*.dist-info/{name}")]
    for file in [folder / ".lock", *records]:
        file.unlink(missing_ok=True)


def of_operations(model: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """A model of a service with these operations alone, and the shapes that they name. Raises KeyError."""
    operations = {name: model["operations"][name] for name in sorted(names)}
    shapes: dict[str, Any] = {}
    waiting = list(_named_shapes(operations))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += _named_shapes(shapes[name])
    return {**model, "operations": operations, "shapes": dict(sorted(shapes.items()))}


def _named_shapes(part: object) -> Iterator[str]:
    """`{"shape": "ParameterName"}` anywhere in the part. A member of a structure can have the name `shape` too."""
    match part:
        case {"shape": str(name)}:
            yield name
        case dict():
            for value in part.values():
                yield from _named_shapes(value)
        case list():
            for value in part:
                yield from _named_shapes(value)
