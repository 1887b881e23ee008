"""The merged template and one zip for all functions, as Lambda takes them."""

from __future__ import annotations

import copy
import importlib.util
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from .errors import DeployFailed

ROOT = Path(__file__).parents[2]
SERVICES = {"dynamodb", "s3", "scheduler", "ses", "sqs", "ssm", "sts"}
"""What the adapters call, and sts, where credentials come from. A test compares it with the adapters."""

PYTHONS = range(11, 15)
"""Python 3.11 to 3.14: the runtime follows the interpreter that packages."""


def package(stage: str, project: Path = ROOT) -> Path:
    """Into build/<stage>: sam.json and deployment.zip. Chalice takes wheels that it has fetched before."""
    if sys.version_info.minor not in PYTHONS:
        raise DeployFailed(
            f"Lambda has no Python 3.{sys.version_info.minor}: make clean, then PYTHON=python3.13 make ..."
        )
    out = project / "build" / stage
    shutil.rmtree(out, ignore_errors=True)
    forget_broken_archives(project)
    command = [sys.executable, "-c", "from chalice.cli import main; main()", "package"]
    command += ["--stage", stage, "--merge-template", "infra/stack.json", str(out)]
    # Chalice wants a region, though nothing in the template depends on it.
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or "us-east-1"
    environment = {**os.environ, "AWS_DEFAULT_REGION": region}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not (out / "deployment.zip").exists():
        raise DeployFailed(f"chalice package failed: {(done.stdout + done.stderr).strip()[-2000:]}")
    _slim(out / "deployment.zip")
    return out


def forget_broken_archives(project: Path) -> None:
    """Chalice takes an archive that it has made before as it is, also one that it was killed in the middle of."""
    for archive in (project / ".chalice" / "deployments").glob("*.zip"):
        if not zipfile.is_zipfile(archive):
            archive.unlink()


def _slim(archive: Path) -> None:
    """Leave out botocore's descriptions of services that we never call, most of the zip; add what modules compile to.

    Where a Lambda's code lies nothing can be written: uncompiled, every cold start would compile all that it imports.
    """
    whole = archive.with_suffix(".whole")
    archive.rename(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as slim:
        for entry in source.infolist():
            if _is_needed(entry.filename):
                content = source.read(entry)
                slim.writestr(entry, content)
                if entry.filename.endswith(".py"):
                    slim.writestr(_compiled_entry(entry), _compiled(entry.filename, content))
    whole.unlink()


def _compiled_entry(module: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """As everybody may read the module: Lambda is another user than whoever packages."""
    entry = copy.copy(module)
    entry.filename = importlib.util.cache_from_source(module.filename, optimization="")
    return entry


def _compiled(name: str, content: bytes) -> bytes:
    """Never compared with its source again: in a package the two do not part."""
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder) / "module.py"
        module.write_bytes(content)
        py_compile.compile(
            str(module),
            cfile=f"{module}c",
            dfile=f"/var/task/{name}",
            doraise=True,
            optimize=0,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        return Path(f"{module}c").read_bytes()


def _is_needed(name: str) -> bool:
    """Nor is what this machine has compiled of ours: Chalice takes it along, and it is for files of another date."""
    place = Path(name).parts
    if "__pycache__" in place:
        return False
    if place[:2] not in (("botocore", "data"), ("boto3", "data")) or len(place) == 3:
        return True
    return place[0] == "botocore" and place[2] in SERVICES
