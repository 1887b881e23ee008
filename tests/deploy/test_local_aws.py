"""The calls of the local stack reach the emulator, whatever the environment says of AWS and of a proxy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.session import Session
from requests.utils import get_environ_proxies

from infra.local.deployment import use_local_aws
from infra.local.stack import _without_settings

URL = "http://127.0.0.1:4567"
PROXY = "http://proxy.example.com:3128"


@pytest.fixture
def environment() -> Iterator[None]:
    """Everything is as before after the test."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_PROFILE", "nobody"),
        ("AWS_DEFAULT_PROFILE", "nobody"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
    ],
)
def test_a_variable_of_aws_leads_no_call_past_the_emulator(environment: None, name: str, value: str) -> None:
    os.environ[name] = value
    use_local_aws(URL)
    assert boto3.session.Session(botocore_session=Session()).client("s3").meta.endpoint_url == URL


def test_the_config_file_of_a_person_leads_no_call_past_the_emulator(environment: None, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nignore_configured_endpoint_urls = true\nuse_fips_endpoint = true\n")
    os.environ["AWS_CONFIG_FILE"] = str(config)
    use_local_aws(URL)
    assert boto3.session.Session(botocore_session=Session()).client("s3").meta.endpoint_url == URL


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("hosts", ["", "intranet.example.com", "*"])
def test_no_call_of_the_local_stack_takes_the_way_through_a_proxy(environment: None, name: str, hosts: str) -> None:
    for variable in ("no_proxy", "NO_PROXY"):
        os.environ.pop(variable, None)
    os.environ.update({"http_proxy": PROXY, name: hosts})
    use_local_aws(URL)
    assert get_environ_proxies(f"{URL}/") == {}
    through_proxy = get_environ_proxies("http://sms.example.com/")
    assert through_proxy.get("http") == (None if hosts == "*" else PROXY), "a real gateway may need it"
    assert not hosts or get_environ_proxies("http://intranet.example.com/") == {}


def test_the_lambdas_inherit_no_settings_of_the_service() -> None:
    settings = {"GATEWAY_TIMEOUT": "soon", "GATEWAY_TOKEN": "secret", "OIDC_CLIENT_SECRET": "secret", "STAGE": "prod"}
    assert _without_settings({**settings, "PATH": "/bin"}) == {"PATH": "/bin"}
