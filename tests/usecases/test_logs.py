"""The log has one line for a batch and one for each failed message, and no phone numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.delivery.jobs import run_job
from chalicelib.delivery.sender import Sender
from chalicelib.domain.jobs import ReceivedMessage, StartMailing
from chalicelib.domain.message import message_id
from chalicelib.domain.outcome import Outcome
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.port import Sms
from chalicelib.logs import log, measure
from chalicelib.mailings.lifecycle import pause_mailing
from chalicelib.runtime import InvocationFailed, begin_invocation, logging_errors
from infra.local.doubles.world import World

Lines = Callable[[], list[dict[str, Any]]]


def events(lines: Lines, message: str) -> list[dict[str, Any]]:
    return [line for line in lines() if line["message"] == message]


@pytest.fixture
def world() -> World:
    world = World()
    world.batch = 100
    world.clients(100)
    world.mailing()
    return world


def test_a_batch_is_one_line_with_all_its_clients(world: World, lines: Lines) -> None:
    world.fan_out()
    world.send_all()
    (settled,) = events(lines, "settled")
    assert (settled["mailing_id"], settled["status"], settled["number"]) == (1, "sent", 100)
    assert all(f" {client_id} " in settled["clients"] for client_id in range(1, 101))
    assert " 101 " not in settled["clients"]


def test_the_lines_of_a_batch_take_a_few_bytes_a_message(
    world: World, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    world.fan_out()
    before, created = capsys.readouterr(), len(lines())
    assert before
    world.send_all()
    metrics = capsys.readouterr().out
    logged = "".join(json.dumps(line, separators=(",", ":")) for line in lines()[created:])
    assert (len(metrics) + len(logged)) / 100 < 30, "docs/WATCHING.md assumes 20 for ids of eight digits"


def test_a_message_that_fails_has_a_line_of_its_own(world: World, lines: Lines) -> None:
    world.services.gateway.default_answer = Answer(400, "79770000001 is blocked")
    world.fan_out()
    world.send_all()
    refused = events(lines, "The gateway refused the message (400).")
    assert len(refused) == 100
    assert refused[6]["message_id"] == message_id(1, refused[6]["client_id"])
    assert (refused[6]["mailing_id"], refused[6]["attempt"], refused[6]["retry"]) == (1, 1, False)
    assert events(lines, "settled")[0]["status"] == "failed"


def test_no_phone_number_is_logged_with_any_error(world: World, lines: Lines) -> None:
    def post(name: str, sms: Sms, timeout: float) -> Outcome:
        raise ValueError(f"invalid literal for int() with base 10: '{sms.phone_number}'")

    world.services.gateway.post = post  # type: ignore[method-assign]
    world.fan_out()
    world.send_all()
    failures = events(lines, "message not handled")
    assert len(failures) == 100
    assert "*******'" in failures[0]["exception"]
    assert failures[0]["message_id"] > 10**10
    phones = {client.phone_number for client in world.services.clients.rows.values()}
    assert not any(phone in json.dumps(lines()) for phone in phones)


def test_every_line_of_a_job_names_its_mailing_and_later_lines_do_not(world: World, lines: Lines) -> None:
    world.services.jobs_queue.send = lambda jobs, delays=None: log.info("queued")  # type: ignore[method-assign]
    run_job(world.services, StartMailing(1), lambda: 60.0)
    log.info("after")
    assert [(line.get("job"), line.get("mailing_id")) for line in lines()] == [
        ("start_mailing", 1),
        ("start_mailing", 1),
        (None, None),
    ]


class Context:
    function_name = "notifications-SendMessages-1"
    aws_request_id = "5ad3c3a6-3f2f-4a7e-9d2c-a79774053329"


def test_an_invocation_marks_its_lines_and_no_others(lines: Lines) -> None:
    log.append_keys(mailing_id=7)
    begin_invocation(Context())
    log.info("warm")
    (line,) = lines()
    assert (line["function"], line["request_id"]) == (Context.function_name, Context.aws_request_id)
    assert "mailing_id" not in line


def test_an_error_that_ends_an_invocation_is_logged_with_its_traceback_and_without_phone_numbers(lines: Lines) -> None:
    @logging_errors
    def handler() -> None:
        raise ValueError("79774053329 cannot be read")

    with pytest.raises(InvocationFailed, match=r"ValueError: 7977\*{7} cannot be read") as failed:
        handler()
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__, "Lambda logs the error that it receives"
    (line,) = lines()
    assert (line["message"], line["exception_name"]) == ("invocation failed", "ValueError")
    assert "4053329" not in json.dumps(line)


def metrics_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]


def test_the_metrics_of_a_batch_are_one_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.fan_out()
    capsys.readouterr()
    now = world.clock.now().timestamp()
    deliveries = world.services.send_queue.receive(100)
    records = [ReceivedMessage(one.id, one.receipt_handle, one.body, 1, now - 5) for one in deliveries]
    Sender(world.services).send_batch(records, lambda: 60.0)
    (line,) = metrics_of(capsys)
    assert (line["Sent"], line["QueueMilliseconds"]) == ([100], [5000])
    assert len(line["GatewayMilliseconds"]) == 100
    (described,) = line["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in described["Metrics"]}
    durations = {"GatewayMilliseconds": "Milliseconds", "QueueMilliseconds": "Milliseconds"}
    assert units == {"Sent": "Count", "BatchSucceeded": "None", **durations}


def successes(capsys: pytest.CaptureFixture[str]) -> list[float]:
    return [line["BatchSucceeded"][0] for line in metrics_of(capsys) if "BatchSucceeded" in line]


def test_a_batch_succeeds_if_it_sends_a_message(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.services.gateway.answers = [Answer(503)] * 3
    world.fan_out()
    world.send_all()
    assert successes(capsys) == [1]


@pytest.mark.parametrize("answer", [Answer(503), Answer(400), Answer(401), Answer(None, "ReadTimeout")])
def test_a_batch_whose_posts_all_fail_does_not_succeed(
    world: World, capsys: pytest.CaptureFixture[str], answer: Answer
) -> None:
    world.services.gateway.default_answer = answer
    world.fan_out()
    world.send_all()
    assert set(successes(capsys)) == {0}


def test_a_batch_without_a_post_neither_succeeds_nor_fails(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.fan_out()
    pause_mailing(world.services, 1)
    world.send_all()
    assert successes(capsys) == []


def test_the_fan_out_measures_its_messages_and_its_time(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.fan_out()
    (line,) = metrics_of(capsys)
    assert (line["FanOutMessages"], line["FanOutMilliseconds"]) == ([100], [0])


def test_an_invocation_without_work_has_no_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    measure({"Sent": 0}, {"GatewayMilliseconds": []})
    assert capsys.readouterr().out == ""
