"""The local stack on LocalStack's core, without Docker: `make localstack-test` runs the end-to-end tests on it.

LocalStack's core is a Python package with an environment of its own (infra/tools/localstack.txt). Lambdas are processes
(lambda_process.py), and MiniStack has the tables; the rest is LocalStack.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from infra.deploy import ROOT

from .local_settings import LocalSettings
from .service import free_port
from .stack import DevStack, StackFailed

CORE = ROOT / ".venv" / "tools" / "localstack" / "bin" / "python"
PLUGIN = ROOT / "infra" / "tools" / "localstack_plugin"
START_SECONDS = 120
STOP_SECONDS = 10
"""LocalStack sometimes ignores SIGTERM. It is killed then."""


class LocalStackCore(DevStack):
    """A DevStack whose AWS is LocalStack. LOCALSTACK_PYTHON: an interpreter with LocalStack's core, instead of CORE."""

    def __init__(self, settings: LocalSettings, logs: Path, print_line: Callable[[str], None] = print) -> None:
        super().__init__(settings, logs, print_line)
        tables = LocalSettings(port=settings.aws_port, aws_port=free_port(), enforces_iam=False)
        self._tables = DevStack(tables, logs, print_line)  # LocalStack takes the place of its front
        self._core: subprocess.Popen[bytes] | None = None
        self._files = ""

    def start_emulator(self) -> None:
        """MiniStack for the tables, and LocalStack for everything else."""
        core = Path(os.environ.get("LOCALSTACK_PYTHON") or CORE)
        if not core.exists():
            raise StackFailed(f"LocalStack's core is not installed in {core}: run `make localstack-test`")
        self._tables.start_emulator()
        self._files = tempfile.mkdtemp(prefix="notifications-localstack-")
        with (self.logs / "localstack.log").open("ab") as log:
            self._core = subprocess.Popen(
                [str(core), "-m", "localstack.runtime.main"],
                cwd=ROOT,
                env=self._core_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._await_core()

    def stop_emulator(self) -> None:
        core, self._core = self._core, None
        if core is not None:
            core.terminate()
            with suppress(subprocess.TimeoutExpired):
                core.wait(STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(core.pid, signal.SIGKILL)
            core.wait()
            shutil.rmtree(self._files, ignore_errors=True)
        self._tables.stop_emulator()

    def _await_core(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._core is None or self._core.poll() is not None:
                raise StackFailed(f"LocalStack ended during its start: see {self.logs / 'localstack.log'}")
            try:
                with urlopen(f"{self.aws_url}/_localstack/health", timeout=5):  # noqa: S310
                    return
            except (URLError, OSError):
                time.sleep(0.2)
        raise StackFailed(f"LocalStack did not respond within {START_SECONDS} s: see {self.logs / 'localstack.log'}")

    def _core_environment(self) -> dict[str, str]:
        address = f"127.0.0.1:{self.settings.aws_port}"
        return {
            "PATH": os.defpath,
            "HOME": self._files,
            "TMPDIR": self._files,
            "FILESYSTEM_ROOT": self._files,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(PLUGIN)]),
            "GATEWAY_LISTEN": address,
            "GATEWAY_SERVER": "hypercorn",  # the default server listens on all addresses
            "LOCALSTACK_HOST": address,  # in the URLs of queues; the default is a public name
            "OVERRIDE_IN_DOCKER": "0",
            "DNS_ADDRESS": "0",  # no server of names
            "DISABLE_EVENTS": "1",  # no calls to LocalStack's makers
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "LAMBDA_RUNTIME_EXECUTOR": "process",
            "LAMBDA_PYTHON": sys.executable,
            "PROVIDER_OVERRIDE_DYNAMODB": "elsewhere",
            "TABLES_URL": self._tables.aws_url,
            **COMPOSED,
        }


COMPOSED = {
    "SQS_ENDPOINT_STRATEGY": "path",
    "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.1",
    "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
    "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "1",
}
"""As in localstack-compose.yml; a test compares them."""
