"""The packages of the Lambdas: fetched for their machine, without what no function reads, and compiled."""

from __future__ import annotations

import compileall
import hashlib
import platform
import py_compile
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from infra.install import find_uv, run_uv

from .errors import DeployFailed

REQUIREMENTS = Path("infra") / "deploy" / "lambda-requirements.txt"
SERVICES = {"dynamodb", "s3", "scheduler", "ses", "sqs", "ssm", "sts"}
"""What the adapters call, and sts, where credentials come from. A test compares it with the adapters."""

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's names of processors, and those of wheels."""

NOTES = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json")

PYTHON = ".".join(platform.python_version_tuple()[:2])


def dependencies(project: Path, architecture: str) -> Path | None:
    """A folder in build/dependencies, fetched once for each list, machine and Python; None where there is no list.

    It gets its name when it is complete, so that no later run uses one that an interrupted run left behind.
    """
    requirements = project / REQUIREMENTS
    if not requirements.exists():
        return None
    made_from = [requirements.read_text(), Path(__file__).read_text(), sys.version, architecture]
    place = project / "build" / "dependencies" / hashlib.sha256("\n".join(made_from).encode()).hexdigest()[:16]
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=place.parent) as scratch:
        folder = Path(scratch) / "packages"
        fetch(requirements, folder, MACHINES[architecture])
        slim(folder)
        compile_modules(folder)
        with suppress(OSError):  # another run was quicker
            folder.rename(place)
    return place


def fetch(requirements: Path, folder: Path, machine: str) -> None:
    """Wheels for Lambda's Linux, whatever this machine is; by uv if it is here, by pip otherwise."""
    wanted = ["-r", str(requirements), "--target", str(folder), "--no-deps", "--only-binary", ":all:"]
    wanted += ["--python-version", PYTHON]
    linux = ["--python", sys.executable, "--python-platform", f"{machine}-manylinux2014"]
    if run_uv(find_uv(), [*wanted, *linux]):
        return
    linux = ["--implementation", "cp", "--platform", f"manylinux2014_{machine}", "--no-compile"]
    command = [sys.executable, "-m", "pip", "install", "-q", *wanted, *linux]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DeployFailed(f"the packages of {REQUIREMENTS} were not fetched: {done.stderr.strip()[-2000:]}")


def slim(folder: Path) -> None:
    """Without botocore's descriptions of services that are never called: they would be most of the zip.

    And without the notes of the installer, so that uv and pip make the same folder.
    """
    for service in folder.glob("botocore/data/*/"):
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for note in [folder / ".lock", *(note for name in NOTES for note in folder.glob(f"*.dist-info/{name}"))]:
        note.unlink(missing_ok=True)


def compile_modules(folder: Path) -> None:
    """Where a Lambda's code is nothing can be written: uncompiled, each cold start would compile all that it imports.

    The compiled modules are not compared with their sources again: in a package they do not change.
    """
    compiled = compileall.compile_dir(
        folder,
        ddir="/var/task",
        quiet=1,
        optimize=0,
        force=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        raise DeployFailed(f"the packages of {REQUIREMENTS} were not compiled")
