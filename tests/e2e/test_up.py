"""The program of `make up`: an error is one clear line, and no process is left when it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infra.local.local_settings import LocalSettings
from infra.local.seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from infra.local.service import free_port, is_taken
from infra.local.stack import DevStack, StackFailed
from infra.local.up import read_settings

ROOT = Path(__file__).parents[2]
LISTENS = "0A"
"""TCP_LISTEN in /proc/net/tcp."""

OF_OTHERS = {
    "AWS_DEFAULT_PROFILE": "nobody",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "http_proxy": "http://127.0.0.1:9",
    "no_proxy": "",
    "GATEWAY_TIMEOUT": "soon",
}
"""Variables that a person has for other programs."""

HEADERS = {"Authorization": f"Token {LOCAL_TOKEN}"}


class Up:
    def __init__(self, **environment: object) -> None:
        changed = {name: str(value) for name, value in environment.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.local.up"],
            cwd=ROOT,
            env={**os.environ, **changed},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def await_ready(self) -> list[str]:
        """Returns the lines that the program has printed."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                return lines
        raise AssertionError(self.process.communicate()[1])

    def end(self, with_signal: signal.Signals) -> int:
        self.process.send_signal(with_signal)
        self.process.communicate(timeout=40)
        return self.process.returncode


@pytest.fixture
def ports() -> dict[str, int]:
    return {"PORT": free_port(), "AWS_PORT": free_port()}


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.mark.parametrize("name", ["PORT", "AWS_PORT"])
def test_a_port_in_use_is_an_error_of_one_line(ports: dict[str, int], taken_port: int, name: str) -> None:
    up = Up(**{**ports, name: taken_port})
    _, errors = up.process.communicate(timeout=30)
    assert up.process.returncode == 1
    assert errors == f"up: port {taken_port} is in use: free it, or choose another one with {name}=\n"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PORT": "http"}, "PORT: a port number"),
        ({"AWS_PORT": "70000"}, "AWS_PORT: a port number"),
        ({"GATEWAY_URL": "sms.example.com", "GATEWAY_TOKEN": "x"}, "GATEWAY_URL: an address"),
        ({"GATEWAY_URL": "https://sms.example.com"}, "set GATEWAY_TOKEN"),
        ({"RECEIPTS": "perhaps"}, "RECEIPTS: true or false"),
        ({"GATEWAY_RATE": "-1"}, "GATEWAY_RATE: a number above 0"),
    ],
)
def test_an_invalid_setting_is_named(environment: dict[str, str], expected: str) -> None:
    with pytest.raises(StackFailed, match=expected):
        read_settings(environment)


def test_a_gateway_without_tls_can_be_used_on_the_local_stack() -> None:
    environment = {"GATEWAY_URL": "http://10.0.0.7:9000", "GATEWAY_TOKEN": "x"}
    assert read_settings(environment).gateway_url == environment["GATEWAY_URL"]


def test_the_simulator_listens_on_its_documented_port_unless_that_port_is_in_use(
    taken_port: int, tmp_path: Path
) -> None:
    assert read_settings({}).simulator_port == 9000
    free, lines = free_port(), []
    for wanted in (free, taken_port):
        stack = DevStack(LocalSettings(simulator_port=wanted), tmp_path, lines.append)
        simulator = stack.start_simulator()
        simulator.stop()
        assert (simulator.url == f"http://127.0.0.1:{wanted}") == (wanted == free)
    assert lines == [f"port {taken_port} is in use: the simulator of the gateway takes another port"]


def test_the_program_ends_all_its_processes_and_keeps_its_data(ports: dict[str, int], tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{ports['PORT']}/Clients/"
    up = Up(**ports, STATE_DIR=tmp_path)
    shown = up.await_ready()
    assert f"console  http://127.0.0.1:{ports['PORT']}/console/" in shown
    assert {f"user     {LOCAL_USER}", f"password {LOCAL_PASSWORD}", f"token    {LOCAL_TOKEN}"} <= set(shown)
    created = requests.post(url, headers=HEADERS, data={"phone_number": "79770000001"}, timeout=30).json()
    assert up.end(signal.SIGTERM) == 0
    _assert_nothing_is_left(ports)

    up = Up(**ports, STATE_DIR=tmp_path)
    up.await_ready()
    assert requests.get(url, headers=HEADERS, timeout=30).json()["results"] == [created]
    up.end(signal.SIGKILL)
    _assert_nothing_is_left(ports)


def test_variables_for_other_programs_do_not_disturb_the_stack(ports: dict[str, int]) -> None:
    up = Up(**ports, **OF_OTHERS)
    try:
        up.await_ready()
        url = f"http://127.0.0.1:{ports['PORT']}/Clients/"
        assert requests.get(url, headers=HEADERS, timeout=30).json() == {"next": None, "results": []}
    finally:
        up.end(signal.SIGTERM)


def test_every_process_listens_on_127_0_0_1_only_and_on_the_printed_ports(ports: dict[str, int]) -> None:
    up = Up(**ports)
    try:
        shown = up.await_ready()
        gateway = next(line for line in shown if line.startswith("gateway"))
        known = {*ports.values(), int(re.findall(r"http://127\.0\.0\.1:(\d+)", gateway)[0])}
        requests.get(f"http://127.0.0.1:{ports['PORT']}/Clients/", headers=HEADERS, timeout=30).raise_for_status()
        processes = [str(up.process.pid), *_workers(ports["AWS_PORT"])]
        assert len(processes) > 2, "MiniStack and a Lambda run"
        assert set().union(*map(listening, processes)) == {("127.0.0.1", port) for port in known}
    finally:
        up.end(signal.SIGTERM)


def listening(process: str) -> set[tuple[str, int]]:
    """Addresses and ports of the TCP sockets on which the process listens."""
    try:
        links = [os.readlink(descriptor) for descriptor in Path("/proc", process, "fd").iterdir()]
    except FileNotFoundError:  # it has ended
        return set()
    own = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:")}
    return {address for inode, address in _listening_sockets() if inode in own}


def _listening_sockets() -> Iterator[tuple[str, tuple[str, int]]]:
    """Inode, address and port of each, in all processes (proc(5), /proc/net/tcp: words of 32 bits, as in memory)."""
    for family, file in (socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6"):
        for line in Path("/proc/net", file).read_text().splitlines()[1:]:
            _, local, _, state, *others = line.split()
            if state == LISTENS:
                address, port = local.split(":")
                words = [int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8)]
                yield others[5], (socket.inet_ntop(family, b"".join(words)), int(port, 16))


def _assert_nothing_is_left(ports: dict[str, int]) -> None:
    """After a SIGKILL the kernel ends MiniStack, which takes a moment."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (any(map(is_taken, ports.values())) or _workers(ports["AWS_PORT"])):
        time.sleep(0.1)
    assert not any(map(is_taken, ports.values()))
    assert _workers(ports["AWS_PORT"]) == []


def _workers(aws_port: int) -> list[str]:
    """Processes with an environment that points to this MiniStack: Lambda's workers."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if f"GATEWAY_PORT={aws_port}".encode() in environment:
            found.append(process.name)
    return found
