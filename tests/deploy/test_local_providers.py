"""The local stack starts with the simulator of the provider that GATEWAY names."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from chalicelib.gateways.registry import NAMES, provider
from infra.local.demo import demo_settings
from infra.local.local_settings import LocalSettings
from infra.local.simulator import main as simulate
from infra.local.stack import DevStack, StackFailed


@pytest.mark.parametrize("name", NAMES)
def test_every_provider_starts_with_its_name_alone(name: str, tmp_path: Path) -> None:
    settings = demo_settings({"GATEWAY": name, "PATH": "/bin"})
    can = provider(name).CAPABILITIES
    if can.key_form:
        can.parts_of(settings.token)
    assert settings.parameters["GatewaySender"] == ("SHOP" if can.needs_sender else "")
    simulator = DevStack(settings, tmp_path).start_simulator()
    simulator.stop()
    assert (simulator.provider.name, simulator.token) == (name, settings.token)


def test_the_demo_uses_the_sender_and_the_token_that_are_given() -> None:
    given = {"GATEWAY": "twilio", "GATEWAY_SENDER": "+15550000009", "GATEWAY_TOKEN": "AC1:token"}
    settings = demo_settings(given)
    assert (settings.sender, settings.token, settings.gateway_url) == ("+15550000009", "AC1:token", "")


def test_a_real_gateway_gets_no_invented_sender() -> None:
    assert LocalSettings(gateway="twilio", gateway_url="https://api.twilio.com").sender == ""


def test_an_unknown_provider_is_an_error_of_one_line() -> None:
    with pytest.raises(StackFailed, match=r"GATEWAY: one of contract, .* is expected"):
        demo_settings({"GATEWAY": "os"})


def test_a_port_on_which_the_simulator_cannot_listen_is_an_error_of_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for port in (taken.getsockname()[1], 70000):
            monkeypatch.setattr(sys, "argv", ["simulator", "--port", str(port)])
            assert simulate() == 1
            said = capsys.readouterr().err
            assert said.startswith(f"simulator: it cannot listen on port {port}: choose another --port")
            assert len(said.splitlines()) == 1
