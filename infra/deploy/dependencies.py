"""The packages of the Lambdas: downloaded for their processor, reduced to what the functions use, and compiled."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from infra.install import find_uv, run_uv

from .errors import DeployFailed
from .runtime import RUNNING, compile_modules, find_interpreter

REQUIREMENTS = Path("infra") / "deploy" / "lambda-requirements.txt"
HASHES = Path("infra") / "deploy" / "lambda-hashes.txt"
"""The packages of REQUIREMENTS with the SHA-256 of their wheels, made by infra/deploy/hashes.py."""

SERVICES = {"dynamodb", "s3", "scheduler", "ses", "sqs", "ssm", "sts"}
"""The AWS services that the adapters call, and sts for credentials. A test compares them with the adapters."""

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
    """Remove botocore's models of services that are never called: they would be most of the zip.

    The installer's own files go as well, so that uv and pip make the same folder.
    """
    for service in folder.glob("botocore/data/*/"):
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    records = [file for name in INSTALLER_FILES for file in folder.glob(f"*.dist-info/{name}")]
    for file in [folder / ".lock", *records]:
        file.unlink(missing_ok=True)
