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
from collections.abc import Iterator
from contextlib import contextmanager
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
    command = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())", "package"]
    command += ["--stage", stage, "--merge-template", "infra/stack.json", str(out)]
    # Chalice wants a region, though nothing in the template depends on it.
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or "us-east-1"
    environment = {**os.environ, "AWS_DEFAULT_REGION": region}
    with archives_of_finished_runs(project):
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DeployFailed(f"chalice package failed: {(done.stdout + done.stderr).strip()[-2000:]}")
    _slim(out / "deployment.zip")
    return out


@contextmanager
def archives_of_finished_runs(project: Path) -> Iterator[None]:
    """Chalice reuses archives of earlier runs, and does not notice that an interrupted run left one incomplete.

    A marker stands beside the archives while a run is in progress. A run that finds one deletes all archives first.
    """
    archives = project / ".chalice" / "deployments"
    unfinished = archives / "unfinished"
    if unfinished.exists():
        shutil.rmtree(archives)
    archives.mkdir(parents=True, exist_ok=True)
    unfinished.touch()
    yield
    unfinished.unlink()


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
