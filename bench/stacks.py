"""What is measured: the adapters in this process over MiniStack, or the complete local stack."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

import requests

from chalicelib.adapters.clock import Clock
from chalicelib.adapters.services import Services
from chalicelib.adapters.tables.base import bind_table
from chalicelib.adapters.tables.client_row import ClientRow
from chalicelib.adapters.tables.counters import CounterRow
from chalicelib.domain.client import Client
from chalicelib.logs import log
from infra.deploy import put_gateway_token
from infra.local.deployment import use_local_aws
from infra.local.doubles.aws import STACK_NAME, forget_connections, make_services
from infra.local.local_settings import any_settings
from infra.local.service import free_port
from infra.local.simulator import DEFAULT_TOKEN
from infra.local.stack import DevStack

THREADS = 16


@contextmanager
def tables_and_queues(gateway_url: str = "") -> Iterator[Services]:
    """The adapters in this process over MiniStack, which runs no Lambda here."""
    forget_connections()
    stack = DevStack(any_settings(), _logs(), print_line=lambda _: None)
    use_local_aws(stack.aws_url)
    stack.start_emulator()
    try:
        put_gateway_token(STACK_NAME, DEFAULT_TOKEN)
        yield make_services(**({"gateway_url": gateway_url} if gateway_url else {}))
    finally:
        stack.stop_emulator()


@contextmanager
def local_stack() -> Iterator[DevStack]:
    forget_connections()
    with DevStack(any_settings(), _logs(), print_line=lambda _: None) as stack:
        yield stack


@contextmanager
def gateway() -> Iterator[str]:
    """The simulator in its own process, so that its processor time is not counted."""
    port = free_port()
    with _program(port, "infra.local.simulator", "--port", str(port), "--token", DEFAULT_TOKEN) as url:
        yield url


@contextmanager
def muted_logs() -> Iterator[None]:
    """Inside the block, log lines and metrics are formatted as in Lambda and discarded."""
    with Path(os.devnull).open("w") as devnull, redirect_stdout(devnull):
        before = [handler.setStream(devnull) for handler in log.handlers]
        try:
            yield
        finally:
            for handler, stream in zip(log.handlers, before, strict=True):
                handler.setStream(stream or sys.__stdout__)


def fill(number: int, stack_name: str = STACK_NAME) -> None:
    """Write clients 1 to `number`, with thirty operator codes."""
    write_clients([Client(one, f"79{one % 30:02d}{one:07d}") for one in range(1, number + 1)], stack_name)


def write_clients(clients: Sequence[Client], stack_name: str) -> None:
    """Write clients with the ids from 1, and the counter of ids. Their phone numbers are not reserved."""
    bind_table(ClientRow, stack_name, Clock())
    bind_table(CounterRow, stack_name, Clock())

    def write(first: int) -> None:
        with ClientRow.batch_write() as batch:
            for client in clients[first : first + 500]:
                batch.save(ClientRow.of(client))

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(write, range(0, len(clients), 500)))
    CounterRow("client_id").update(actions=[CounterRow.value.set(len(clients))])


@contextmanager
def _program(port: int, module: str, *arguments: str) -> Iterator[str]:
    """Yield the address of the program when it listens."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _await(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _await(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(requests.ConnectionError):
            requests.get(url, timeout=5)
            return
        time.sleep(0.1)
    raise SystemExit(f"no program listens at {url}")


def _logs() -> Path:
    return Path(tempfile.mkdtemp(prefix="notifications-bench-"))
