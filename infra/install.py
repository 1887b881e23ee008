"""Install a list of packages: by uv, which takes a tenth of pip's time, or by pip where uv cannot.

python -m infra.install REQUIREMENTS [--python PATH]

uv does not read pip's configuration, so this program hands it over: index, extra index, links, certificates.
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

UV = "uv==0.13.9"
FROM_PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}
"""pip's options, and the variables in which uv expects the same."""

SECTIONS = ["global", "install", ":env:"]
"""Of pip's configuration; a later one wins."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.install", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("requirements", type=Path)
    parser.add_argument("--python", default=sys.executable, help="the interpreter to install for (this one)")
    wanted = parser.parse_args()
    arguments = ["-r", str(wanted.requirements)]
    if run_uv(find_uv() or fetch_uv(), ["--python", wanted.python, *arguments]):
        return 0
    return subprocess.run([wanted.python, "-m", "pip", "install", "-q", *arguments], check=False).returncode


def find_uv() -> str | None:
    """Beside this interpreter, or on the path."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


def fetch_uv() -> str | None:
    """From the registry, into this interpreter's environment; None if that fails."""
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-q", UV], capture_output=True, check=False)
    return find_uv() if done.returncode == 0 else None


def run_uv(uv: str | None, arguments: Iterable[str]) -> bool:
    """`uv pip install`; False where it does not succeed, so that pip can try."""
    if uv is None:
        return False
    environment = {**uv_variables(pip_configuration(), os.environ), **os.environ}
    done = subprocess.run(
        [uv, "pip", "install", "-q", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(f"uv did not install, so pip will: {without_credentials(done.stderr.strip())[-500:]}", file=sys.stderr)
    return done.returncode == 0


def without_credentials(text: str) -> str:
    """Addresses of registries may carry a user's name and password."""
    return re.sub(r"://[^/@\s]+@", "://", text)


def pip_configuration() -> str:
    command = [sys.executable, "-m", "pip", "config", "list"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def uv_variables(configuration: str, environment: Mapping[str, str]) -> dict[str, str]:
    """From the output of `pip config list`. What is set for uv already stays."""
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
    # pip takes the best version of all indexes, uv by default that of the first index that has the package.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **variables} if "UV_INDEX" in variables else variables


if __name__ == "__main__":
    sys.exit(main())
