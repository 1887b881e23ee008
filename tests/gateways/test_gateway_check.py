"""`python -m tools.gateway_check` against the simulators."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from chalicelib.gateways.registry import NAMES, provider
from infra.deploy import ROOT
from infra.local.local_settings import LocalSettings
from infra.local.simulator import Simulator
from tools.gateway_check.__main__ import main
from tools.gateway_check.findings import Person

PHONE = "79774053329"
NOBODY = 70000000000
CHECKS = ["acceptance", "id width", "repeated id", "wrong number", "credentials", "receipts", "balance", "rate"]

Start = Callable[..., Simulator]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts the simulator of a provider, and sets the variables for it."""
    started: list[Simulator] = []

    def start(name: str, **behaviour: object) -> Simulator:
        simulator = Simulator(provider=name).start()
        started.append(simulator)
        simulator.behave(**behaviour)
        local = LocalSettings(gateway=name)
        given = {"GATEWAY": name, "GATEWAY_URL": simulator.gateway_url, "GATEWAY_TOKEN": local.token}
        for variable, value in {**given, "GATEWAY_SENDER": local.sender, "GATEWAY_OPTIONS": local.options}.items():
            monkeypatch.setenv(variable, value)
        return simulator

    yield start
    for simulator in started:
        simulator.stop()


class Answers:
    """A person who agrees to everything but `refused`, and counts `arrived` messages."""

    def __init__(self, arrived: str = "", refused: str = "nothing") -> None:
        self.asked: list[str] = []
        self._arrived = arrived
        self._refused = refused

    def __call__(self, question: str) -> str:
        self.asked.append(question)
        if "[a number" in question:
            return self._arrived
        return "n" if question.startswith(self._refused) else "y"


PAGE = (ROOT / "docs" / "GATEWAY_CHECK.md").read_text()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def line_of(output: str, check: str) -> str:
    """The line of the table."""
    return next(line for line in output.splitlines() if line.startswith(f"{check}  "))


@pytest.mark.parametrize("name", NAMES)
def test_a_gateway_that_does_what_its_adapter_says_has_no_mismatch(
    name: str, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator = start(name)
    assert main([PHONE, "--yes", "--burst", "3"]) == 0
    output = capsys.readouterr().out
    assert all(line_of(output, check) for check in CHECKS)
    assert "MISMATCH" not in output
    assert simulator.seen.requests <= 4 + 1 + 1 + 3


@pytest.mark.parametrize("name", NAMES)
def test_neither_the_secret_nor_a_phone_number_is_printed(
    name: str, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator = start(name, refuse=(NOBODY,))
    main([PHONE, "--yes", "--burst", "2"])
    printed = "".join(capsys.readouterr())
    assert "79***29" in printed
    for hidden in (PHONE, str(NOBODY), *([simulator.token] if len(simulator.token) > 3 else [])):
        assert hidden not in printed


def test_the_cost_is_shown_before_anything_is_sent(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator = start("twilio")
    monkeypatch.setenv("GATEWAY_PRICE", "0.05")
    answers = Answers(refused="")
    assert main([PHONE], Person(ask=answers)) == 0
    assert simulator.seen.requests == 0
    assert "at most  16 messages of one part each, 0.80 by GATEWAY_PRICE" in capsys.readouterr().out
    assert (
        answers.asked[2]
        == "repeated id: posts the same message twice (2 messages at most, 0.10 by GATEWAY_PRICE). Go on? [y/N] "
    )


def test_a_refused_check_sends_nothing(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    simulator = start("twilio")
    assert main([PHONE], Person(ask=Answers(refused="rate"))) == 0
    assert simulator.seen.requests == 5
    assert line_of(capsys.readouterr().out, "rate").endswith("left out")


def test_one_check_can_be_chosen(start: Start) -> None:
    simulator = start("smsc")
    assert main([PHONE, "--yes", "--only", "acceptance"]) == 0
    assert simulator.seen.requests == 1


def test_nothing_follows_a_first_message_that_is_not_accepted(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    simulator = start("twilio", sender_refused=True)
    assert main([PHONE, "--yes"]) == 1
    assert simulator.seen.requests == 1
    assert "21606" in line_of(capsys.readouterr().out, "acceptance")


@pytest.mark.parametrize(
    ("name", "arrived", "code", "expected"),
    [
        ("contract", "1", 0, "GATEWAY_DEDUPES=auto"),
        ("contract", "2", 1, "GATEWAY_DEDUPES=false"),
        ("twilio", "2", 0, "GATEWAY_DEDUPES=auto"),
        ("infobip", "", 0, "GATEWAY_DEDUPES=true"),
        ("http", "", 0, "GATEWAY_DEDUPES=true"),
    ],
)
def test_the_repeated_id_says_which_setting_follows(
    name: str, arrived: str, code: int, expected: str, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    start(name)
    assert main([PHONE, "--only", "repeated id"], Person(ask=Answers(arrived))) == code
    output = capsys.readouterr().out
    assert f"Settings that follow: {expected}" in output
    assert ("MISMATCH" in output) == bool(code)


def test_two_arrived_messages_are_as_expected_if_the_setting_says_so(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start("contract")
    monkeypatch.setenv("GATEWAY_DEDUPES", "false")
    assert main([PHONE, "--only", "repeated id"], Person(ask=Answers("2"))) == 0
    assert "as the settings say" in capsys.readouterr().out


def test_a_refused_number_fails_its_message_only(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    start("smsc", refuse=(NOBODY,))
    assert main([PHONE, "--yes", "--only", "wrong number"]) == 0
    assert "fails its message only" in line_of(capsys.readouterr().out, "wrong number")


def test_a_number_for_which_the_gateway_gives_no_clear_answer_is_a_mismatch(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    start("contract", garbage=True)
    assert main([PHONE, "--yes", "--only", "wrong number"]) == 1
    assert "GATEWAY_REFUSES_BY_CODE" not in capsys.readouterr().out


def test_a_gateway_that_refuses_by_code_needs_the_setting(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator = start("contract", refuse=(NOBODY,))
    by_code = {**simulator.provider.form.answers, "refuse": "another code may mean later"}
    simulator.provider.form = replace(simulator.provider.form, answers=by_code)
    assert main([PHONE, "--yes", "--only", "wrong number"]) == 1
    assert "Settings that follow: GATEWAY_REFUSES_BY_CODE=true" in capsys.readouterr().out
    monkeypatch.setenv("GATEWAY_REFUSES_BY_CODE", "true")
    assert main([PHONE, "--yes", "--only", "wrong number"]) == 0


def test_too_many_at_the_same_time_name_a_rate(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    start("infobip", throttle=3)
    assert main([PHONE, "--yes", "--only", "rate"]) == 0
    assert "GATEWAY_RATE=1" in capsys.readouterr().out


def test_a_rate_below_that_of_the_adapter_is_a_mismatch(start: Start) -> None:
    start("vonage", throttle=3)
    assert main([PHONE, "--yes", "--only", "rate"]) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"GATEWAY_TOKEN": ""}, "GATEWAY_TOKEN: ACCOUNT_SID:AUTH_TOKEN is expected"),
        ({"GATEWAY_TOKEN": "secret"}, "GATEWAY_TOKEN: ACCOUNT_SID:AUTH_TOKEN is expected by the gateway twilio"),
        ({"GATEWAY_SENDER": ""}, "GATEWAY_SENDER: a name or number that the provider allows is expected"),
        ({"GATEWAY_OPTIONS": json.dumps({"shop": 1})}, "GATEWAY_OPTIONS: shop: account_sid is known"),
        ({"GATEWAY": "os"}, "GATEWAY: one of contract,"),
        ({"GATEWAY_PRICE": "cheap"}, "GATEWAY_PRICE: the price of a part is expected"),
    ],
)
def test_wrong_settings_are_named_and_nothing_is_sent(
    changes: dict[str, str],
    expected: str,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    simulator = start("twilio")
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert main([PHONE, "--yes"]) == 2
    assert expected in capsys.readouterr().err
    assert simulator.seen.requests == 0


def test_one_of_several_gateways_is_chosen_by_its_name(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = start("smsc"), start("contract")
    several = [{"name": "smsc", "url": first.gateway_url}, {"name": "own", "gateway": "contract", "url": second.url}]
    monkeypatch.setenv("GATEWAYS", json.dumps(several))
    monkeypatch.setenv("GATEWAY_TOKEN_OWN", second.token)
    assert main([PHONE, "--yes", "--only", "acceptance"]) == 2
    assert "--gateway: one of smsc, own is expected" in capsys.readouterr().err
    assert main([PHONE, "--yes", "--only", "acceptance", "--gateway", "own"]) == 0
    assert (first.seen.requests, second.seen.requests) == (0, 1)


def test_a_wrong_phone_number_is_not_repeated_in_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["7977405332x"])
    assert "7977405332x" not in capsys.readouterr().err


def test_without_a_terminal_and_without_yes_nothing_is_sent(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    simulator = start("twilio")
    assert main([PHONE]) == 2
    assert "run it in a terminal, or with --yes" in capsys.readouterr().err
    assert simulator.seen.requests == 0


def test_every_provider_that_needs_a_secret_is_tried_with_a_wrong_one(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        simulator = start(name)
        assert main([PHONE, "--yes", "--only", "credentials"]) == 0
        assert simulator.seen.requests == (1 if provider(name).CAPABILITIES.key_form else 0)


def test_the_command_of_the_page_prints_what_the_page_shows(start: Start) -> None:
    simulator = start("twilio")
    blocks = BLOCK.findall(PAGE)
    command = next(text for kind, text in blocks if kind == "bash" and "--yes" in text)
    shown = next(text for kind, text in blocks if kind == "text")
    own = command.replace("http://127.0.0.1:9000", simulator.url)
    done = subprocess.run(["bash", "-c", own], cwd=ROOT, capture_output=True, text=True, check=True)
    assert without_details(done.stdout) == without_details(shown)


def without_details(output: str) -> list[str]:
    """Without the code of the run and the seconds."""
    return [" ".join(re.sub(r"\b[0-9a-f]{4}-(\d+)|\d\.\d\d s", r"\1", line).split()) for line in output.splitlines()]
