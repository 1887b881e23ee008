"""A plugin of LocalStack's core (LAMBDA_RUNTIME_EXECUTOR=process): Lambdas run as processes, not in containers.

LAMBDA_PYTHON is the interpreter that runs them.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from threading import Lock
from typing import Any

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from infra.local.lambda_process import LambdaProcess

HOST = "127.0.0.1"


class ProcessExecutor(RuntimeExecutor):
    """An execution environment of a Lambda. It has one process at a time, and a new one after a crash or a timeout."""

    _unpacking = Lock()

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self._variables: dict[str, str] = {}
        self._process: LambdaProcess | None = None

    def start(self, env_vars: dict[str, Any]) -> None:
        self._variables = {name: str(value) for name, value in env_vars.items()}
        self._process = self._new_process()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        if self._process is None or not self._process.is_alive:
            self._process = self._new_process()
        timeout = self.function_version.config.timeout
        request_id = payload["invoke-id"]
        result = self._process.invoke(request_id, payload["invoked-function-arn"], payload["payload"], timeout)
        logs = f"START RequestId: {request_id}\n{result.logs}END RequestId: {request_id}\n"
        return InvocationResult(request_id, result.payload.encode(), result.is_error, logs)

    def _new_process(self) -> LambdaProcess:
        handler, code = self.function_version.config.handler, self.function_version.config.code
        process = LambdaProcess(
            os.environ["LAMBDA_PYTHON"], code.get_unzipped_code_location(), handler, self._variables
        )
        failed = process.await_start()
        if failed is not None:
            message = json.loads(failed.payload)["errorMessage"]
            raise StatusErrorException(f"{handler} did not start: {message}", payload=failed.payload.encode())
        return process

    def get_address(self) -> str:
        return HOST

    def get_endpoint_from_executor(self) -> str:
        return HOST

    def get_runtime_endpoint(self) -> str:
        """LocalStack puts this address into the environment of the Lambda; the process does not call it."""
        return f"http://{HOST}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    def get_logs(self) -> str:
        return self._process.logs() if self._process is not None else ""

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack the code once for all functions that have it; each gets a link to it."""
        code = function_version.config.code
        own = code.get_unzipped_code_location()
        shared = Path(tempfile.gettempdir()) / f"code-{code.code_sha256.replace('/', '-')}"
        with cls._unpacking:
            if own.exists():
                return
            if not shared.exists():
                code.prepare_for_execution()
                own.rename(shared)
            own.parent.mkdir(parents=True, exist_ok=True)
            own.symlink_to(shared)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """LocalStack deletes the link with the function."""


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self) -> type[RuntimeExecutor]:
        return ProcessExecutor
