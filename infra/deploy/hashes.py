"""Write the SHA-256 of the listed packages' files, for each system and Python: `make hashes`.

It reads the lists that people write, and asks the main index only: a further index may have some of the wheels, or
wheels that somebody built. Installers refuse a file with another hash.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.install import UV_HASHES, fetch_uv, find_uv, pip_configuration, uv_variables

from . import ROOT
from .dependencies import HASHES, REQUIREMENTS

FURTHER_INDEXES = {"UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"}
HEADER = "# Made by `make hashes`: the packages of {source}, with the SHA-256 of their files.\n"
WHEELS = ["--no-deps", "--only-binary", ":all:"]
WITH_DEPENDENCIES = ["--universal", "--python-version", "3.11"]
TOOLS = ROOT / "infra" / "tools"


def main() -> int:
    uv = find_uv() or fetch_uv()
    if uv is None:
        print("hashes: uv could not be installed, see the error of pip above", file=sys.stderr)
        return 1
    pinned = "\n".join(line.partition(" ")[0] for line in UV_HASHES.read_text().splitlines() if "==" in line)
    write(uv, pinned, UV_HASHES, "`make`", WHEELS)
    write(uv, (ROOT / REQUIREMENTS).read_text(), ROOT / HASHES, REQUIREMENTS.name, WHEELS)
    for source in TOOLS.glob("*.in"):
        write(uv, source.read_text(), source.with_suffix(".txt"), source.name, WITH_DEPENDENCIES)
    return 0


def write(uv: str, requirements: str, file: Path, source: str, options: Sequence[str]) -> None:
    command = [uv, "pip", "compile", "-q", "--generate-hashes", "--no-header", "--no-annotate", *options, "-"]
    done = subprocess.run(
        command, input=requirements, env=_environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    file.write_text(HEADER.format(source=source) + done.stdout)


def _environment() -> dict[str, str]:
    environment = {**uv_variables(pip_configuration(), os.environ), **os.environ}
    return {name: value for name, value in environment.items() if name not in FURTHER_INDEXES}


if __name__ == "__main__":
    sys.exit(main())
