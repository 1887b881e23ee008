"""`GET /metrics`, read as Prometheus reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.api.metrics import Gauge, exposition
from chalicelib.delivery.fanout import start_mailing, walk_slice

from .conftest import Call

Samples = dict[tuple[str, str], float]


def read(text: str) -> Samples:
    families = list(text_string_to_metric_families(text))
    assert all(family.type == "gauge" and family.documentation for family in families)
    return {(one.name, "".join(one.labels.values())): one.value for family in families for one in family.samples}


def announced(call: Call, starts_in: float) -> None:
    start = datetime.now(UTC) + timedelta(seconds=starts_in)
    times = {"datetime_start": start.isoformat(), "datetime_end": (start + timedelta(hours=2)).isoformat()}
    assert call("POST", "/Mailing", json={**times, "message_text": "text"}).status == 201


def test_the_metrics_have_numbers_and_no_personal_data(call: Call, services: Services) -> None:
    for number in range(3):
        call("POST", "/Clients", json={"phone_number": f"7977000000{number}"})
    announced(call, 3600)
    announced(call, -60)
    start_mailing(services, 2)
    walk_slice(services, 2, 0, lambda: 60.0)
    services.dead_letters.send_body("garbage")
    answer = call("GET", "/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "7977" not in answer.text
    found = read(answer.text)
    mailings = {status: found["notifications_mailings", status] for status in ("scheduled", "running", "ended")}
    assert mailings == {"scheduled": 1, "running": 1, "ended": 0}
    assert found["notifications_messages", "queued"] == 3
    assert found["notifications_messages", "sent"] == 0
    queues = {name: found["notifications_queue_messages", name] for name in ("send", "imports", "dead_letters")}
    assert queues == {"send": 3, "imports": 0, "dead_letters": 1}
    assert 60 <= found["notifications_oldest_waiting_seconds", ""] < 120
    assert 0 <= found["notifications_longest_silence_seconds", ""] < 60


def test_a_mailing_that_has_ended_is_counted_as_ended(call: Call, services: Services) -> None:
    announced(call, 3600)
    call("POST", "/Mailing/1/cancel")
    found = read(call("GET", "/metrics").text)
    assert (found["notifications_mailings", "ended"], found["notifications_mailings", "scheduled"]) == (1, 0)
    assert found["notifications_oldest_waiting_seconds", ""] == 0


def test_the_metrics_need_a_token_with_the_read_role(call: Call, services: Services) -> None:
    reader = make_token(services, "prometheus", "read")
    assert call("GET", "/metrics", authorization=f"Token {reader}").status == 200
    assert call("GET", "/metrics", authorization=None).status == 401


def test_labels_and_help_texts_are_escaped() -> None:
    said = 'a\\b "c"\nd'
    text = exposition([Gauge("x", said, "kind", {said: 1.5})])
    assert text.count("\n") == 3
    (family,) = text_string_to_metric_families(text)
    assert family.documentation == said
    assert [(one.labels, one.value) for one in family.samples] == [({"kind": said}, 1.5)]
