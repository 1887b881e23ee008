"""The programs of localstack-compose.yml, in its order and with its environment; MiniStack stands in for LocalStack."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
import yaml

from infra.deploy import ROOT
from infra.local.deployment import use_local_aws
from infra.local.doubles.aws import forget_connections
from infra.local.local_settings import LocalSettings
from infra.local.seed import LOCAL_TOKEN
from infra.local.service import free_port
from infra.local.stack import DevStack

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "localstack-compose.yml").read_text())["services"]
HEADERS = {"Authorization": f"Token {LOCAL_TOKEN}"}
SECONDS = 90


class Containers:
    """Starts the command of a service as a local process: its host names and ports become those of this machine."""

    def __init__(self, settings: LocalSettings, ending: ExitStack) -> None:
        self.ports = {"4566": settings.aws_port, "9000": free_port(), "8000": settings.port}
        self._ending = ending

    def start(self, name: str) -> subprocess.Popen[str]:
        service = SERVICES[name]
        command = [self._here(part) for part in service["command"]]
        environment = {key: self._here(value) for key, value in service.get("environment", {}).items()}
        process = subprocess.Popen(
            [sys.executable, *command[1:]],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._ending.enter_context(process)
        self._ending.callback(process.terminate)
        return process

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"

    def _here(self, text: str) -> str:
        for port, free in self.ports.items():
            text = str(free) if text == port else text.replace(f":{port}", f":{free}")
        return re.sub(r"//(localstack|simulator):", "//127.0.0.1:", text).replace("0.0.0.0", "127.0.0.1")


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Containers]:
    settings = LocalSettings(port=free_port(), aws_port=free_port())
    with pytest.MonkeyPatch.context() as environment, ExitStack() as ending:
        for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            environment.setenv(name, "")
        forget_connections()
        emulator = DevStack(settings, tmp_path, print_line=lambda line: None)
        ending.callback(forget_connections)
        ending.callback(emulator.stop)
        use_local_aws(emulator.aws_url)
        emulator.start_emulator()
        yield Containers(settings, ending)


def awaited(url: str, **options: Any) -> requests.Response:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return requests.get(url, timeout=30, **options)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, url
            time.sleep(0.2)


def test_one_command_starts_the_api_with_the_contracts_token_mailings_start_and_another_removes_it(
    containers: Containers,
) -> None:
    containers.start("simulator")
    awaited(f"{containers.url('9000')}/seen")
    deployer = containers.start("deployer")
    said, _ = deployer.communicate(timeout=SECONDS)
    assert deployer.returncode == 0, said
    assert LOCAL_TOKEN in said
    containers.start("front")
    api = containers.url("8000")
    assert re.findall(r"https?://\S+", said) == [api, f"{api}/console/", containers.url("9000")]
    assert awaited(f"{api}/Stats/", headers=HEADERS).status_code == 200
    assert requests.get(f"{api}/Stats/", timeout=30).status_code == 401
    client = requests.post(f"{api}/Clients/", headers=HEADERS, data={"phone_number": "79774053329"}, timeout=30)
    assert client.status_code == 201, client.text
    end = datetime.now(UTC) + timedelta(hours=1)
    fields = {"datetime_start": "2022-08-20", "datetime_end": end.isoformat(), "message_text": "Привет"}
    assert requests.post(f"{api}/Mailing/", headers=HEADERS, json=fields, timeout=30).status_code == 201
    deadline = time.monotonic() + SECONDS
    while requests.get(f"{containers.url('9000')}/seen", timeout=30).json()["accepted"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    removed = subprocess.run([sys.executable, "-m", "infra.local.localstack", "destroy"], cwd=ROOT, check=False)
    assert removed.returncode == 0
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []
    assert boto3.client("lambda").list_functions()["Functions"] == []
