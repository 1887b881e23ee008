"""The local stack: MiniStack with the deployed template, the simulator and the front. They end with this process."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.settings import Settings
from infra.deploy import ROOT, DeployFailed, receipts_secret

from .deployment import STACK_NAME, api_url, deploy_local, use_local_aws
from .front import Front
from .local_settings import LocalSettings
from .service import is_taken
from .simulator import Simulator

START_SECONDS = 40
STOP_SECONDS = 20
STORED = "ministack"
"""The folder in STATE_DIR with what MiniStack stores."""


class StackFailed(Exception):
    """One line with the reason and what to do."""


class DevStack:
    """A context manager: the stack runs inside the block, and all its processes are stopped after it."""

    def __init__(self, settings: LocalSettings, logs: Path, print_line: Callable[[str], None] = print) -> None:
        self.settings = settings
        self.logs = logs
        self.print_line = print_line
        self.simulator: Simulator | None = None
        self.outputs: dict[str, str] = {}
        self._ministack: subprocess.Popen[bytes] | None = None
        self._scratch = ""
        self._front: Front | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def aws_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.aws_port}"

    @property
    def emulator_pid(self) -> int:
        assert self._ministack is not None
        return self._ministack.pid

    @property
    def iam_trail(self) -> Path:
        """The file of IAM decisions since MiniStack started, see ministack.py."""
        return self.logs / "iam.jsonl"

    def __enter__(self) -> DevStack:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._front is not None:
            self._front.stop()
        self.stop_emulator()
        if self.simulator is not None:
            self.simulator.stop()

    def stop_emulator(self) -> None:
        """MiniStack saves its state on SIGTERM. Its other processes are killed and its temporary files are removed."""
        process, self._ministack = self._ministack, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def kill_workers(self, function: str) -> int:
        """Send SIGKILL to the processes that run this Lambda; returns how many there were."""
        pids = self.workers(function)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)

    def workers(self, function: str) -> list[int]:
        """Ids of the processes that run this Lambda or ran it last. Needs Linux: it reads /proc."""
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [pid for pid in pids if _runs(pid, function, self.emulator_pid)]

    def _start(self) -> None:
        for name, port in (("PORT", self.settings.port), ("AWS_PORT", self.settings.aws_port)):
            if is_taken(port):
                raise StackFailed(f"port {port} is in use: free it, or choose another one with {name}=")
        use_local_aws(self.aws_url)
        if not self.settings.gateway_url:
            self.simulator = self.start_simulator()
        self.print_line("starting MiniStack ...")
        self.start_emulator()
        self.print_line("packaging and deploying ...")
        self.deploy()
        self._front = Front(self.settings.port, api_url(self.aws_url, self.outputs))
        self._front.start()

    @property
    def _receipts_url(self) -> str:
        return f"{self.url}/Receipts"

    @property
    def _signature(self) -> str | None:
        """The secret with which the simulator signs its receipts; None without a simulator."""
        return self.simulator.provider.signature if self.simulator else None

    def start_simulator(self) -> Simulator:
        port = self.settings.simulator_port
        if port is not None and is_taken(port):
            self.print_line(f"port {port} is in use: the simulator of the gateway takes another port")
            port = None
        return Simulator(port, self.settings.token, provider=self.settings.gateway).start()

    def start_emulator(self) -> None:
        self._scratch = tempfile.mkdtemp(prefix="notifications-ministack-")
        environment = {
            **_without_settings(os.environ),
            "TMPDIR": self._scratch,  # for the code of Lambdas and the files that a killed worker leaves
            "AUTH": str(self.settings.enforces_iam).lower(),
            "IAM_TRAIL": str(self.iam_trail),
            "AWS_ENDPOINT_URL": self.settings.lambdas_aws_url or self.aws_url,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.settings.aws_port),
            "OWN_PORTS": ",".join(map(str, self._ministack_ports())),
            "IOT_MTLS_ENABLED": "0",  # or it listens for MQTT on every address, port 8883
            "LAMBDA_EXECUTOR": "local",
            "WHOLE_BATCHES": str(int(self.settings.whole_batches)),
            "CLOUDTRAIL_RECORDING": str(int(self.settings.counts_calls)),
            "CLOUDTRAIL_MAX_EVENTS": "50000",
            "LOG_LEVEL": os.environ.get("MINISTACK_LOG_LEVEL", "WARNING"),
            **_state_variables(self.settings.state_dir),
        }
        if find_spec("ministack") is None:
            raise StackFailed("MiniStack is not installed: run the make target, which installs what it needs")
        with (self.logs / "ministack.log").open("ab") as log:
            self._ministack = subprocess.Popen(
                [sys.executable, "-m", "infra.local.ministack"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        self._await_ministack()

    def _ministack_ports(self) -> list[int]:
        """The ports that clients of MiniStack put into Host: see ministack.py."""
        lambdas_port = urlsplit(self.settings.lambdas_aws_url).port
        return [self.settings.aws_port, self.settings.port, *([lambdas_port] if lambdas_port else [])]

    def _await_ministack(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._ministack is None or self._ministack.poll() is not None:
                raise StackFailed(f"MiniStack ended during its start: see {self.logs / 'ministack.log'}")
            try:
                with urlopen(f"{self.aws_url}/_ministack/health", timeout=2):  # noqa: S310
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise StackFailed(f"MiniStack did not respond within {START_SECONDS} s: see {self.logs / 'ministack.log'}")

    def deploy(self) -> None:
        """Also again, with other settings, while the stack runs. Raises StackFailed."""
        settings = self.settings
        gateway_url = self.simulator.gateway_url if self.simulator else settings.gateway_url
        try:
            receipts_url = settings.receipts_url or self._receipts_url
            given = {**settings.parameters, "GatewayUrl": gateway_url, "ReceiptsUrl": receipts_url}
            self.outputs = deploy_local(
                given, settings.token, settings.receipts, self._signature, settings.oidc_client_secret
            )
            if self.simulator is not None and settings.receipts:
                self.simulator.report_to(self._receipts_url, receipts_secret(STACK_NAME), self.aws_url)
        except (DeployFailed, ClientError, BotoCoreError) as error:
            raise StackFailed(f"the deploy failed: {error}") from error


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """MiniStack passes its variables on to the Lambdas. Their settings come from the template alone, as on AWS."""
    settings = {field.name.upper() for field in fields(Settings)} | {"GATEWAY_TOKEN", "OIDC_CLIENT_SECRET"}
    return {name: value for name, value in environment.items() if name not in settings}


def _runs(pid: int, function: str, group: int) -> bool:
    """MiniStack runs each Lambda in its own process group, in a folder named after the Lambda."""
    try:
        return os.getpgid(pid) == group and f"-{function}-" in os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return False


def _state_variables(state_dir: str) -> dict[str, str]:
    if not state_dir:
        return {"PERSIST_STATE": "0"}
    folder = Path(state_dir).absolute()
    return {
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / STORED),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
    }


def _end_with_parent() -> Any:
    """On Linux, make the kernel end MiniStack if this process is killed by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
