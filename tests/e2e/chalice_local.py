"""`chalice local` on the tables and queues of a local stack, as the README starts it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from infra.deploy import ROOT
from infra.local.service import free_port
from infra.local.stack import DevStack

SECONDS = 60
NONE: Mapping[str, str] = {}


@contextmanager
def chalice_local(stack: DevStack, variables: Mapping[str, str] = NONE) -> Iterator[str]:
    """The URL. The environment is read by a shell, as the README describes it; `variables` replace some of it."""
    port = free_port()
    command = f'eval "$({sys.executable} -m infra.local.environment)"\n'
    command += "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    command += f"exec {Path(sys.executable).with_name('chalice')} local --stage local --port {port} --no-autoreload"
    environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": stack.aws_url}
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _awaited(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(20)


def _awaited(url: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"{url}/openapi.json", timeout=10)
            return url
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("chalice local does not answer")
