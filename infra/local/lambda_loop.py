"""The loop of a Lambda: python lambda_loop.py FILE_DESCRIPTOR HANDLER. lambda_process.py starts it.

It needs no package: the code of the function has its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any


class Context:
    """The second argument of a handler, as AWS documents it for Python."""

    def __init__(self, request_id: str, arn: str, seconds: float) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self.identity = self.client_context = None
        self._ends_at = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends_at - time.monotonic()) * 1000))


def main() -> None:
    """The first answer says whether the code could be loaded; each further one belongs to an invocation."""
    connection = Connection(int(sys.argv[1]))
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    loaded: list[Any] = []
    _answer(connection, lambda: loaded.append(_load(sys.argv[2])))
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        context = Context(request["request_id"], request["arn"], request["seconds"])
        _answer(connection, partial(loaded[0], json.loads(request["event"]), context))


def _answer(connection: Connection, action: Callable[[], Any]) -> None:
    try:
        reply = {"payload": json.dumps(action()), "is_error": False}
    except Exception as error:
        traceback.print_exc()
        described = {"errorType": type(error).__name__, "errorMessage": str(error)}
        reply = {"payload": json.dumps(described), "is_error": True}
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send_bytes(json.dumps(reply).encode())


def _load(handler: str) -> Any:
    module, _, name = handler.rpartition(".")
    return getattr(import_module(module.replace("/", ".")), name)


if __name__ == "__main__":
    main()
