"""`python -m infra.forget` on the local stack, as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from infra.deploy import ROOT
from infra.local.seed import LOCAL_TOKEN
from infra.local.stack import DevStack

from .conftest import Call

PHONE = "79641230099"


def forget(stack: DevStack, *arguments: str) -> str:
    command = [sys.executable, "-m", "infra.forget", PHONE, "--url", stack.url, *arguments]
    environment = {**os.environ, "TOKEN": LOCAL_TOKEN}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_person_is_exported_into_a_file_and_erased(stack: DevStack, call: Call, tmp_path: Path) -> None:
    made = call("POST", "/Clients/", json={"phone_number": PHONE, "tag": "forget"}).json()
    call("POST", f"/Clients/{made['id']}/opt_out/")
    file = tmp_path / "person.json"
    assert "a client" in forget(stack, "--export", str(file))
    held = json.loads(file.read_text())
    assert held["client"]["id"] == made["id"]
    assert [one["action"] for one in held["audit"]] == ["opted out", "made"]
    assert f"client {made['id']} is erased" in forget(stack)
    assert call("GET", f"/Clients/{made['id']}/").status_code == 404
    assert call("POST", "/Clients/", json={"phone_number": PHONE}).status_code == 400
    assert "no client has this number" in forget(stack)
    assert call("POST", "/Clients/readmit/", json={"phone_number": PHONE}).status_code == 200
