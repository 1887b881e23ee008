"""A mailing through the real stack: EventBridge Scheduler, SQS, Lambda, DynamoDB and the simulated gateway."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from infra.local.deployment import STACK_NAME
from infra.local.lambdas import invoke
from infra.local.simulator import Simulator
from infra.local.stack import DevStack

from .conftest import Call

Finished = Callable[..., dict[str, Any]]


PHONES = iter(range(79_500_000_000, 79_500_100_000))
CLIENTS = 30


@pytest.fixture
def tag(call: Call) -> str:
    """Thirty clients with their own tag."""
    phones = [next(PHONES) for _ in range(CLIENTS)]
    tag = f"тег-{phones[0]}"
    for phone in phones:
        assert call("POST", "/Clients/", json={"phone_number": phone, "tag": tag}).status_code == 201
    return tag


def announce(call: Call, tag: str, starts_in: float = -1, lasts: float = 600, **others: str) -> int:
    start = datetime.now(UTC) + timedelta(seconds=starts_in)
    end = start + timedelta(seconds=lasts)
    fields = {"datetime_start": start.isoformat(), "datetime_end": end.isoformat(), "message_text": "Привет"}
    answer = call("POST", "/Mailing/", json={**fields, "filter_tag": tag, **others})
    assert answer.status_code == 201, answer.text
    mailing_id: int = answer.json()["id"]
    return mailing_id


def schedules(mailing_id: int) -> list[str]:
    """The schedules of this mailing. Other tests of the stack leave their own."""
    prefix = f"mailing-{mailing_id}"
    found = boto3.client("scheduler").list_schedules(GroupName=STACK_NAME, NamePrefix=prefix)["Schedules"]
    names = [schedule["Name"] for schedule in found]
    return [name for name in names if name == prefix or name.startswith(f"{prefix}-")]


def await_no_schedules(mailing_id: int) -> None:
    deadline = time.monotonic() + 60
    while schedules(mailing_id):
        assert time.monotonic() < deadline, schedules(mailing_id)
        time.sleep(0.2)


def test_mailings_in_the_future_start_by_their_schedules_or_by_the_sweep_and_reach_every_client_once(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    """In one test, because both wait for their start, which has a schedule if it is further away than a minute."""
    by_schedule, by_sweep = (announce(call, tag, starts_in=62) for _ in range(2))
    assert call("GET", f"/Mailing/{by_schedule}/").json()["status"] == "scheduled"
    assert schedules(by_schedule) == [f"mailing-{by_schedule}"]
    boto3.client("scheduler").delete_schedule(Name=f"mailing-{by_sweep}", GroupName=STACK_NAME)
    statistics = [finished(mailing_id, 200) for mailing_id in (by_schedule, by_sweep)]
    for stats in statistics:
        assert stats["messages"] == {
            "total": CLIENTS,
            "queued": 0,
            "sent": CLIENTS,
            "failed": 0,
            "expired": 0,
            "cancelled": 0,
            "unknown": 0,
            "delivered": 0,
            "undelivered": 0,
        }
    summary = simulator.seen.summary()
    assert (summary["distinct"], summary["repeated"]) == (2 * CLIENTS, 0)
    assert {message["id"] for stats in statistics for message in stats["results"]} == set(simulator.seen.accepted)
    assert {message["text"] for message in simulator.seen.messages.values()} == {"Привет"}
    # The schedule deletes itself when it fires, possibly after the sweep has started the mailing.
    await_no_schedules(by_schedule)


def test_a_gateway_that_fails_for_a_while_loses_no_message(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    simulator.behave(error_rate=0.7)
    mailing_id = announce(call, tag)
    while simulator.seen.requests < 20:
        call("GET", f"/Stats/{mailing_id}/")
    simulator.behave()
    stats = finished(mailing_id)
    assert stats["messages"]["sent"] == CLIENTS
    assert simulator.seen.summary()["repeated"] == 0
    assert simulator.seen.by_status[500] > 0


def test_a_message_refused_for_good_fails_and_is_listed(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    refused = call("GET", "/Clients/", params={"tag": tag}).json()["results"][0]
    simulator.behave(refuse=(int(refused["phone_number"]),))
    mailing_id = announce(call, tag)
    assert finished(mailing_id)["messages"]["failed"] == 1
    failed = call("GET", f"/Stats/{mailing_id}/?status=failed").json()["results"]
    assert [message["client_id"] for message in failed] == [refused["id"]]
    assert failed[0]["last_error"] == "The gateway refused the message (400)."


def test_a_mailing_is_moved_and_deleted_with_its_schedule(call: Call, tag: str) -> None:
    mailing_id = announce(call, tag, starts_in=3600)
    later = (datetime.now(UTC) + timedelta(seconds=3900)).replace(microsecond=0)
    call("PATCH", f"/Mailing/{mailing_id}/", data={"datetime_start": later.isoformat()})
    schedule = boto3.client("scheduler").get_schedule(Name=f"mailing-{mailing_id}", GroupName=STACK_NAME)
    assert schedule["ScheduleExpression"] == f"at({later:%Y-%m-%dT%H:%M:%S})"
    before = call("GET", "/Stats/").json()["totals"]["mailings"]
    assert call("DELETE", f"/Mailing/{mailing_id}/").status_code == 204
    assert schedules(mailing_id) == []
    assert call("GET", f"/Mailing/{mailing_id}/").status_code == 404
    assert call("GET", "/Stats/").json()["totals"]["mailings"] == before - 1


def test_a_running_mailing_is_paused_resumed_and_cancelled(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    simulator.behave(latency=1.0)
    mailing_id = announce(call, tag)
    while simulator.seen.requests == 0:
        time.sleep(0.05)
    paused = call("POST", f"/Mailing/{mailing_id}/pause/")
    assert (paused.status_code, paused.json()["status"]) == (200, "paused")
    assert call("POST", f"/Mailing/{mailing_id}/resend/", data={"statuses": "failed"}).status_code == 409
    assert call("POST", f"/Mailing/{mailing_id}/resume/").json()["status"] == "running"
    assert finished(mailing_id)["messages"]["sent"] == CLIENTS
    assert simulator.seen.summary()["repeated"] == 0
    refused = call("POST", f"/Mailing/{mailing_id}/cancel/")
    assert (refused.status_code, list(refused.json())) == (409, ["detail", "request_id"])


def test_failed_messages_are_resent_and_no_others(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    refused = call("GET", "/Clients/", params={"tag": tag}).json()["results"][0]
    simulator.behave(refuse=(int(refused["phone_number"]),))
    mailing_id = announce(call, tag)
    assert finished(mailing_id)["messages"]["failed"] == 1
    simulator.behave()
    assert call("POST", f"/Mailing/{mailing_id}/resend/", data={"statuses": "failed"}).json()["status"] == "running"
    stats = finished(mailing_id)
    assert stats["messages"]["sent"] == CLIENTS
    assert simulator.seen.summary()["repeated"] == 0
    assert stats["last_post_at"] <= stats["ended_at"] <= stats["datetime_end"]


def test_a_post_repeated_with_its_key_creates_one_mailing(call: Call, tag: str) -> None:
    fields = {"datetime_start": "2022-08-20", "datetime_end": "2022-08-22", "message_text": tag}
    headers = {"Idempotency-Key": "the-key-of-this-request"}
    answers = [call("POST", "/Mailing/", data=fields, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    other = call("POST", "/Mailing/", data={**fields, "message_text": "other"}, headers=headers)
    assert (other.status_code, list(other.json())) == (422, ["detail", "request_id"])


def test_an_invalid_queue_message_is_counted_and_can_be_returned(call: Call, stack: DevStack) -> None:
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=stack.outputs["SendQueueUrl"], MessageBody="garbage")
    await_dead_letters(call, 1)
    assert invoke("RedriveDeadLetters", {}) == {"redriven": 1}
    await_dead_letters(call, 1)
    sqs.purge_queue(QueueUrl=stack.outputs["DeadLettersUrl"])


def test_a_token_created_by_hand_has_the_rights_of_its_role(call: Call) -> None:
    token = invoke("ManageTokens", {"make": "reader", "role": "read"})["token"]
    headers = {"Authorization": f"Token {token}"}
    assert call("GET", "/Clients/", headers=headers).status_code == 200
    refused = call("POST", "/Clients/", headers=headers, data={"phone_number": "79770000099"})
    assert (refused.status_code, list(refused.json())) == (403, ["detail"])
    assert invoke("ManageTokens", {"revoke": token}) == {"revoked": True}


def await_dead_letters(call: Call, number: int) -> None:
    deadline = time.monotonic() + 60
    while call("GET", "/Stats/").json()["dead_letters"] != number:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_messages_outside_their_local_hours_wait_for_a_schedule_and_others_are_sent_at_once(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    ids = [client["id"] for client in call("GET", "/Clients/", params={"tag": tag}).json()["results"]]
    for client_id in ids[:5]:
        assert call("PATCH", f"/Clients/{client_id}/", data={"timezone": "Asia/Kolkata"}).status_code == 200
    now = datetime.now(UTC)
    hours = {"time_from": f"{now - timedelta(hours=2):%H:%M}", "time_to": f"{now + timedelta(hours=2):%H:%M}"}
    mailing_id = announce(call, tag, lasts=86_400, **hours)
    await_sent(call, mailing_id, CLIENTS - 5)
    (name,) = [name for name in schedules(mailing_id) if name.startswith(f"mailing-{mailing_id}-opens-")]
    schedule = boto3.client("scheduler").get_schedule(Name=name, GroupName=STACK_NAME)
    opens_at = datetime.fromtimestamp(json.loads(schedule["Target"]["Input"])["opens_at"], UTC)
    assert f"{opens_at + timedelta(hours=5, minutes=30):%H:%M}" == hours["time_from"]
    assert opens_at > now
    call("PATCH", f"/Mailing/{mailing_id}/", data={"time_from": "", "time_to": ""})
    assert finished(mailing_id)["messages"]["sent"] == CLIENTS
    assert simulator.seen.summary()["repeated"] == 0


def test_a_preview_has_the_audience_and_the_forecast(call: Call, tag: str) -> None:
    fields = {
        "datetime_start": "2030-06-03T06:00:00Z",
        "datetime_end": "2030-06-03T18:00:00Z",
        "message_text": "Привет",
        "filter_tag": tag,
        "rate_limit": "3",
    }
    before = call("GET", "/Stats/").json()["totals"]["mailings"]
    shown = call("POST", "/Mailing/preview/", data=fields).json()
    assert (shown["clients"], shown["by_operator_code"]) == (CLIENTS, {"950": CLIENTS})
    assert (shown["rate"], shown["ends_at"]) == (3, "2030-06-03T06:00:10Z")
    assert call("GET", "/Stats/").json()["totals"]["mailings"] == before


def await_sent(call: Call, mailing_id: int, number: int) -> None:
    deadline = time.monotonic() + 60
    while call("GET", f"/Stats/{mailing_id}/").json()["messages"]["sent"] != number:
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_a_failed_canary_pauses_its_mailing_and_a_resume_passes_it(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    phones = [int(one["phone_number"]) for one in call("GET", "/Clients/", params={"tag": tag}).json()["results"]]
    simulator.behave(refuse=tuple(phones))
    mailing_id = announce(call, tag, canary="5")
    await_status(call, mailing_id, "paused")
    stats = call("GET", f"/Stats/{mailing_id}/").json()
    assert stats["paused_because"] == "5 of the first 5 messages failed: more than 10 %."
    assert (stats["messages"]["failed"], stats["messages"]["queued"]) == (5, CLIENTS - 5)
    record = next(one for one in call("GET", "/Audit/").json()["results"] if one["id"] == str(mailing_id))
    assert (record["who"], record["action"]) == ("the service itself", "paused")
    simulator.behave()
    assert call("POST", f"/Mailing/{mailing_id}/resume/").json()["paused_because"] is None
    assert finished(mailing_id)["messages"]["sent"] == CLIENTS - 5


def test_a_delivered_canary_is_followed_by_all_other_messages(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    simulator.behave(latency=1.0)
    mailing_id = announce(call, tag, canary="5", max_error_rate="0")
    await_sent(call, mailing_id, 5)
    assert simulator.seen.summary()["distinct"] == 5
    simulator.behave()
    assert finished(mailing_id)["messages"]["sent"] == CLIENTS
    assert simulator.seen.summary()["repeated"] == 0


def await_status(call: Call, mailing_id: int, status: str) -> None:
    deadline = time.monotonic() + 60
    while call("GET", f"/Mailing/{mailing_id}/").json()["status"] != status:
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_an_opted_out_client_gets_nothing_during_a_mailing_and_after_a_new_registration(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    first, second, *_ = call("GET", "/Clients/", params={"tag": tag}).json()["results"]
    for client in (first, second):
        assert call("POST", f"/Clients/{client['id']}/opt_out/").status_code == 200
    assert call("DELETE", f"/Clients/{second['id']}/").status_code == 204
    again = call("POST", "/Clients/", json={"phone_number": second["phone_number"], "tag": tag})
    assert (again.status_code, again.json()["opted_out_at"] is None) == (201, False)
    mailing_id = announce(call, tag)
    stats = finished(mailing_id)
    assert (stats["messages"]["sent"], stats["messages"]["cancelled"]) == (CLIENTS - 2, 2)
    cancelled = call("GET", f"/Stats/{mailing_id}/", params={"status": "cancelled"}).json()["results"]
    assert {message["last_error"] for message in cancelled} == {"The client opted out."}
    assert {message["client_id"] for message in cancelled} == {first["id"], again.json()["id"]}
    assert simulator.seen.summary()["distinct"] == CLIENTS - 2
    assert call("POST", f"/Clients/{first['id']}/opt_in/").json() == first


def test_each_client_gets_the_text_with_its_attributes(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    clients = call("GET", "/Clients/", params={"tag": tag}).json()["results"]
    for number, client in enumerate(clients[1:]):
        changed = call("PATCH", f"/Clients/{client['id']}/", json={"attributes": {"имя": f"Анна {number}"}})
        assert changed.status_code == 200, changed.text
    times = {"datetime_start": "2026-01-01", "datetime_end": "2096-01-01", "filter_tag": tag}
    refused = call("POST", "/Mailing/", json={**times, "message_text": "{неизвестно}"})
    assert (refused.status_code, list(refused.json())) == (400, ["message_text"])
    made = call("POST", "/Mailing/", json={**times, "message_text": "{имя|друг}, {tag} {"})
    stats = finished(made.json()["id"])
    assert stats["messages"]["sent"] == CLIENTS
    names = ["друг", *(f"Анна {number}" for number in range(CLIENTS - 1))]
    assert {message["text"] for message in simulator.seen.messages.values()} == {f"{name}, {tag} {{" for name in names}
