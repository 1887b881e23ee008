"""The running API is as `/openapi.json` says: schemathesis makes calls of it, and looks at every answer.

Among what it makes up are mailings to everybody: this file comes after those that count what the gateway has seen.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from infra.local.seed import LOCAL_TOKEN
from infra.local.stack import DevStack

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)


def test_no_call_breaks_the_api_and_every_answer_is_as_described(stack: DevStack, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", f"{stack.url}/openapi.json"]
    command += ["--header", f"Authorization: Token {LOCAL_TOKEN}", "--checks", ",".join(CHECKS)]
    command += ["--phases", "examples,fuzzing", "--max-examples", "15", "--seed", "1", "--no-color"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-10_000:]
