"""Install a list of packages with uv, which takes a tenth of pip's time, or with pip if uv fails.

python -m infra.install REQUIREMENTS [--python PATH]

uv does not read pip's configuration, so this program passes it on: index, extra index, links, certificates.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

UV_HASHES = Path(__file__).with_name("uv.txt")
"""The version of uv and the SHA-256 of its wheels."""

FROM_PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}
"""Options of pip, and the environment variables by which uv takes the same."""

SECTIONS = ["global", "install", ":env:"]
"""Sections of pip's configuration; a later one overrides the earlier ones."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.install", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("requirements", type=Path)
    parser.add_argument("--python", default=sys.executable, help="the interpreter to install for (default: this one)")
    options = parser.parse_args()
    arguments = ["-r", str(options.requirements)]
    if run_uv(find_uv() or fetch_uv(), ["--python", options.python, *arguments]):
        return 0
    return subprocess.run([options.python, "-m", "pip", "install", "-q", *arguments], check=False).returncode


def find_uv() -> str | None:
    """The uv beside this interpreter, or the one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


def fetch_uv() -> str | None:
    """Install uv into this interpreter's environment; returns None if that fails."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--require-hashes", "-r", str(UV_HASHES)],
        capture_output=True,
        check=False,
    )
    return find_uv() if done.returncode == 0 else None


def run_uv(uv: str | None, arguments: Iterable[str]) -> bool:
    """Run `uv pip install`; returns False if it fails, so that pip can try."""
    if uv is None:
        return False
    environment = {**uv_variables(pip_configuration(), os.environ), **os.environ}
    done = subprocess.run(
        [uv, "pip", "install", "-q", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(f"uv failed, pip installs instead: {without_credentials(done.stderr.strip())[-500:]}", file=sys.stderr)
    return done.returncode == 0


def without_credentials(text: str) -> str:
    """Remove user names and passwords from the addresses of registries."""
    return re.sub(r"://[^/@\s]+@", "://", text)


def pip_configuration() -> str:
    command = [sys.executable, "-m", "pip", "config", "list"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def uv_variables(configuration: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Read the output of `pip config list`. Variables that are already set for uv are left out."""
    found: dict[str, tuple[int, str]] = {}
    for line in configuration.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if option in FROM_PIP and section in SECTIONS:
            variable, rank = FROM_PIP[option], SECTIONS.index(section)
            if variable not in found or rank > found[variable][0]:
                found[variable] = (rank, str(ast.literal_eval(value)))
    variables = {name: value for name, (_, value) in found.items() if name not in environment}
    if "UV_FIND_LINKS" in variables:
        variables["UV_FIND_LINKS"] = ",".join(variables["UV_FIND_LINKS"].split())
    # pip takes the best version from all indexes; uv by default takes it from the first index with the package.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **variables} if "UV_INDEX" in variables else variables


if __name__ == "__main__":
    sys.exit(main())
