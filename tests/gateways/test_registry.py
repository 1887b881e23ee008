"""Every provider has an adapter with the same parts, and only the chosen one is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.errors import BadSettings
from chalicelib.gateways.port import Capabilities
from chalicelib.gateways.registry import NAMES, provider

ROOT = Path(__file__).parents[2]
OF_THE_PORT = {"__init__", "answer", "asker", "aws_signature", "bounded_http", "callback", "configured", "http_gateway"}
OF_THE_PORT |= {"http_rules", "http_template", "opened", "port", "registry"}


def test_every_module_of_a_provider_has_a_name_in_the_registry() -> None:
    modules = {file.stem for file in (ROOT / "chalicelib" / "gateways").glob("*.py")}
    assert modules - OF_THE_PORT == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_is_loaded_alone_and_without_an_http_library(name: str) -> None:
    code = f"import sys, json; import chalicelib.gateways.{name}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    others = {f"chalicelib.gateways.{other}" for other in NAMES if other != name}
    assert not loaded & (others | {"requests", "urllib3", "boto3", "botocore"})


def test_an_unknown_provider_is_an_error() -> None:
    with pytest.raises(KeyError):
        provider("os")


@pytest.mark.parametrize(("key_form", "secret"), [("LOGIN:PASSWORD", "anna"), ("LOGIN:PASSWORD", "anna:"), ("KEY", "")])
def test_a_secret_of_another_form_is_refused_without_showing_it(key_form: str, secret: str) -> None:
    with pytest.raises(BadSettings, match=f"GATEWAY_TOKEN: {key_form} is expected") as refused:
        Capabilities(key_form=key_form).parts_of(secret)
    assert "anna" not in str(refused.value)


def test_a_password_may_contain_colons() -> None:
    assert Capabilities(key_form="LOGIN:PASSWORD").parts_of("anna:a:b") == ["anna", "a:b"]
