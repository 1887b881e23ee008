"""The running API agrees with `/openapi.json`: schemathesis makes calls and checks every answer. Its calls include
mailings to all clients, so this file runs after those that count the posts at the gateway.
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


def test_no_call_breaks_the_api_and_every_answer_is_described(stack: DevStack, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", f"{stack.url}/openapi.json"]
    command += ["--header", f"Authorization: Token {LOCAL_TOKEN}", "--checks", ",".join(CHECKS)]
    command += ["--phases", "examples,fuzzing", "--max-examples", "15", "--seed", "1", "--no-color"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-10_000:]
