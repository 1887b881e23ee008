"""Write the SHA-256 of every wheel of the listed versions, for each system and Python: `make hashes`.

It reads the lists that people write, and asks the main index only: a further index may have some of the wheels, or
wheels that somebody built. Installers refuse a file with another hash.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from infra.install import UV_HASHES, fetch_uv, find_uv, pip_configuration, uv_variables

from . import ROOT
from .dependencies import HASHES, REQUIREMENTS

FURTHER_INDEXES = {"UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"}
HEADER = "# Made by `make hashes`: the wheels of {source}, with their SHA-256.\n"


def main() -> int:
    uv = find_uv() or fetch_uv()
    if uv is None:
        print("hashes: uv could not be installed, see the error of pip above", file=sys.stderr)
        return 1
    pinned = "\n".join(line.partition(" ")[0] for line in UV_HASHES.read_text().splitlines() if "==" in line)
    write(uv, (ROOT / REQUIREMENTS).read_text(), ROOT / HASHES, str(REQUIREMENTS))
    write(uv, pinned, UV_HASHES, "uv, which installs the packages")
    return 0


def write(uv: str, requirements: str, file: Path, source: str) -> None:
    command = [uv, "pip", "compile", "-q", "--generate-hashes", "--no-deps", "--no-header", "--no-annotate"]
    done = subprocess.run(
        [*command, "--only-binary", ":all:", "-"],
        input=requirements,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    file.write_text(HEADER.format(source=source) + done.stdout)


def _environment() -> dict[str, str]:
    environment = {**uv_variables(pip_configuration(), os.environ), **os.environ}
    return {name: value for name, value in environment.items() if name not in FURTHER_INDEXES}


if __name__ == "__main__":
    sys.exit(main())
