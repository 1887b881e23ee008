"""A process that runs one Lambda function: LocalStack's core starts it instead of a container.

The process runs lambda_loop.py with the function's code and environment, and receives invocations over a socket.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

START_SECONDS = 30
LOOP = Path(__file__).with_name("lambda_loop.py")


@dataclass(frozen=True)
class Result:
    """`payload` is JSON: what the function returned, or the error as Lambda describes it."""

    payload: str
    is_error: bool
    logs: str


class LambdaProcess:
    def __init__(self, python: str, code: Path, handler: str, variables: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        self._connection = Connection(ours.detach())
        self._log, path = tempfile.mkstemp()
        os.unlink(path)
        weakref.finalize(self, os.close, self._log)  # the log is read after the end of the process
        self._logged = 0
        self._process = subprocess.Popen(
            [python, str(LOOP), str(theirs.fileno()), handler],
            cwd=code,
            env=_environment(code, variables),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def await_start(self) -> Result | None:
        """Returns None when the code is loaded; otherwise the error, and the process has ended."""
        result = self._receive(START_SECONDS, f"Init did not end within {START_SECONDS} seconds")
        if result.is_error:
            self.kill()
            return result
        return None

    def invoke(self, request_id: str, arn: str, event: str, seconds: float) -> Result:
        """Run one invocation. After a timeout or a crash the process has ended, as on AWS."""
        request = {"request_id": request_id, "arn": arn, "event": event, "seconds": seconds}
        with suppress(OSError):  # the process has died: receiving says so
            self._connection.send_bytes(json.dumps(request).encode())
        return self._receive(seconds, f"{request_id} Task timed out after {seconds:.2f} seconds")

    def kill(self) -> None:
        """Kill the process and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def logs(self) -> str:
        """What the process has printed since the last call."""
        text = os.pread(self._log, 10_000_000, self._logged)
        self._logged += len(text)
        return text.decode(errors="replace")

    def _receive(self, seconds: float, too_late: str) -> Result:
        try:
            if not self._connection.poll(seconds):
                self.kill()
                return self._failed("Sandbox.Timedout", too_late)
            reply: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            self.kill()
            return self._failed("Runtime.ExitError", f"The process ended with status {self._process.returncode}")
        return Result(reply["payload"], reply["is_error"], self.logs())

    def _failed(self, kind: str, message: str) -> Result:
        return Result(json.dumps({"errorType": kind, "errorMessage": message}), True, f"{self.logs()}{message}\n")


def _environment(code: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """Nothing of this process's own environment, as a container has it."""
    own = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": tempfile.gettempdir(), "TMPDIR": tempfile.gettempdir()}
    return {**own, **variables, "LAMBDA_TASK_ROOT": str(code), "PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"}
