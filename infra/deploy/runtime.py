"""The Python of the Lambdas. It is pinned: a deploy from a laptop with another Python does not change it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

from chalicelib.settings import LOCAL_STAGE

from .errors import DeployFailed

LAMBDA_PYTHON = "3.11"
"""The version that the tests run. AWS supports python3.11 until 2027-06-30:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html. After a change run the tests with that Python."""

RUNNING = ".".join(platform.python_version_tuple()[:2])


def python_of(stage: str) -> str:
    """The Lambdas of the local stack are processes of this interpreter."""
    return RUNNING if stage == LOCAL_STAGE else LAMBDA_PYTHON


def find_interpreter(python: str) -> str | None:
    return sys.executable if python == RUNNING else shutil.which(f"python{python}")


def compile_note(python: str) -> str | None:
    """What a person should know if the modules cannot be compiled; None if they can."""
    if find_interpreter(python) is not None:
        return None
    return (
        f"WARNING: there is no python{python} here, so the modules in the zip are not compiled, and each cold start "
        f"compiles what it imports. Install python{python}; nothing else depends on it"
    )


def compile_modules(folder: Path, python: str) -> None:
    """Compile all modules, if there is an interpreter of this version. Raises DeployFailed.

    A Lambda's code folder is read-only, so each cold start would compile its imports again. Python does not compare the
    compiled modules with their sources, because a package does not change.
    """
    interpreter = find_interpreter(python)
    if interpreter is None:
        return
    command = [interpreter, "-m", "compileall", "-q", "-f", "-o", "0", "-d", "/var/task"]
    command += ["--invalidation-mode", "unchecked-hash", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DeployFailed(f"the modules could not be compiled: {(done.stdout + done.stderr).strip()[-2000:]}")


def compiled_name(module: str, python: str) -> str:
    """Where an interpreter of this version looks for the compiled module."""
    path = Path(module)
    return (path.parent / "__pycache__" / f"{path.stem}.cpython-{python.replace('.', '')}.pyc").as_posix()
