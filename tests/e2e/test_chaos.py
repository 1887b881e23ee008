"""The quick part of `make chaos`: killed, disconnected and refused calls lose no message and send none twice."""

from __future__ import annotations

import subprocess
import sys

from infra.deploy import ROOT


def test_the_scenarios_of_the_quick_part_pass() -> None:
    command = [sys.executable, "-m", "tools.chaos", "--quick"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
