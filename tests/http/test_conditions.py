"""The `filter` of a mailing: a condition on clients, beside its tags and operator codes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.clients.registry import opt_out_client, register_client
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.message import SENT, Message
from chalicelib.mailings.warnings import warnings_of

from .conftest import Call

NOW = datetime.now(UTC).replace(microsecond=0)
MAILING = {
    "datetime_start": (NOW + timedelta(hours=1)).isoformat(),
    "datetime_end": (NOW + timedelta(hours=2)).isoformat(),
    "message_text": "Привет",
}
VIP = {"field": "tag", "is": "vip"}
OMSK = {"field": "attributes.город", "is": "Омск"}


@pytest.fixture
def clients(services: Services) -> None:
    for number, (tag, city) in enumerate([("vip", "Омск"), ("vip", "Томск"), ("new", "Омск"), (None, "Омск")]):
        client: dict[str, Any] = {"phone_number": f"7977000000{number}", "tag": tag, "attributes": {"город": city}}
        register_client(services, client)
    opt_out_client(services, 4)


def audience(services: Services, mailing_id: int) -> list[int]:
    """The clients that the mailing chooses when it starts now."""
    mailing = services.mailings.get(mailing_id)
    assert mailing is not None
    services.mailings.change(mailing, with_start(mailing))
    assert start_mailing(services, mailing_id)
    started = services.mailings.get(mailing_id)
    assert started is not None
    assert started.plan is not None
    for number in range(started.plan.slices):
        walk_slice(services, mailing_id, number, lambda: 900.0)
    shards = range(started.plan.shards)
    return sorted(row.client_id for one in shards for row in services.messages.page(started.message_shard(one), 0, 100))


def with_start(mailing: Any) -> Any:
    return replace(mailing, datetime_start=NOW - timedelta(hours=1))


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize(
    ("sent", "chosen"),
    [
        ({"filter": VIP}, [1, 2]),
        ({"filter": {"all": [VIP, OMSK]}}, [1]),
        ({"filter": {"any": [VIP, OMSK]}}, [1, 2, 3, 4]),
        ({"filter": {"all": [OMSK, {"not": VIP}]}}, [3, 4]),
        ({"filter": {"all": [OMSK, {"field": "opted_in", "is": True}]}}, [1, 3]),
        ({"filter": {"field": "registered_at", "since": "2026-01-01T00:00:00Z"}}, [1, 2, 3, 4]),
        ({"filter": {"field": "registered_at", "before": "2026-01-01T00:00:00Z"}}, []),
        ({"filter": OMSK, "filter_tag": "new"}, [3]),
        ({"filter": OMSK, "filter_op_codes": "921"}, []),
        ({"filter": None}, [1, 2, 3, 4]),
    ],
)
def test_the_audience_meets_the_condition_and_has_the_tags_and_codes(
    call: Call, services: Services, sent: dict[str, Any], chosen: list[int]
) -> None:
    made = call("POST", "/Mailing", json={**MAILING, **sent})
    assert (made.status, made.json["filter"]) == (201, sent["filter"])
    assert call("PUT", "/Mailing/1", json=made.json).json["filter"] == sent["filter"], "it can be sent back"
    preview = call("POST", "/Mailing/preview", json={**MAILING, **sent})
    assert preview.json["clients"] == len([one for one in chosen if one != 4]), "an opted-out client is not counted"
    assert audience(services, 1) == chosen


@pytest.mark.usefixtures("clients")
def test_a_mailing_excludes_the_clients_that_received_another_one(call: Call, services: Services) -> None:
    call("POST", "/Mailing", json=MAILING)
    assert audience(services, 1) == [1, 2, 3, 4]
    first = services.mailings.get(1)
    assert first is not None
    sent = [Message(1, one, SENT, NOW, shards=first.started_plan.shards) for one in (1, 3)]
    services.messages.add(sent, NOW + timedelta(days=1))
    excluding = {"all": [{"not_received": 1}, {"field": "opted_in", "is": True}]}
    assert call("POST", "/Mailing/preview", json={**MAILING, "filter": excluding}).json["clients"] == 1
    assert call("POST", "/Mailing", json={**MAILING, "filter": excluding}).status == 201
    assert call("POST", "/Mailing", json={**MAILING, "filter": {"received": 1}}).status == 201
    call("DELETE", "/Mailing/1")
    assert audience(services, 3) == [], "the mailing was deleted before the start: nobody is known to have received it"


@pytest.mark.usefixtures("clients")
def test_a_deleted_mailing_excludes_everyone_who_may_have_received_it(call: Call, services: Services) -> None:
    call("POST", "/Mailing", json=MAILING)
    audience(services, 1)
    excluding = {"any": [{"not_received": 1}, VIP]}
    for condition in (excluding, {"not_received": 1}):
        assert call("POST", "/Mailing", json={**MAILING, "filter": condition}).status == 201
    call("DELETE", "/Mailing/1")
    assert audience(services, 2) == [1, 2], "the rest of the condition decides about these"
    assert audience(services, 3) == []


@pytest.mark.usefixtures("clients")
def test_the_page_of_a_mailing_warns_of_a_deleted_mailing(call: Call, services: Services) -> None:
    call("POST", "/Mailing", json=MAILING)
    excluding = {**MAILING, "datetime_start": "2126-01-01T00:00:00Z", "datetime_end": "2126-01-02T00:00:00Z"}
    excluding["filter"] = {"any": [{"not_received": 1}, VIP]}
    made = call("POST", "/Mailing", json=excluding)
    assert "warnings" not in made.json
    call("DELETE", "/Mailing/1")
    mailing = services.mailings.get(made.json["id"])
    assert mailing is not None
    (warning,) = map(str, warnings_of(services, mailing))
    assert "deleted mailings: 1" in warning


@pytest.mark.usefixtures("clients")
def test_the_recipients_of_a_mailing_are_those_of_the_start(call: Call, services: Services) -> None:
    call("POST", "/Mailing", json=MAILING)
    audience(services, 1)
    first = services.mailings.get(1)
    assert first is not None
    services.messages.add([Message(1, 2, SENT, NOW, shards=first.started_plan.shards)], NOW + timedelta(days=1))
    call("POST", "/Mailing", json={**MAILING, "filter": {"received": 1}})
    mailing = services.mailings.get(2)
    services.mailings.change(mailing, with_start(mailing))  # type: ignore[arg-type]
    start_mailing(services, 2)
    call("DELETE", "/Mailing/1")
    walk_slice(services, 2, 0, lambda: 900.0)
    second = services.mailings.get(2)
    assert second is not None
    assert [row.client_id for row in services.messages.page(second.message_shard(0), 0, 9)] == [2]


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ("{", ["filter"]),
        ({"all": [VIP, {"field": "tga", "is": "x"}, {"field": "tag"}]}, ["filter.all.1.field", "filter.all.2"]),
        ({"any": [{"not": {"received": 7}}, OMSK]}, ["filter.any.0.not.received"]),
        ({"not": {"field": "attributes.горд", "is": "Омск"}}, ["filter.not.field"]),
    ],
)
def test_a_mistake_is_refused_by_its_place_and_nothing_is_written(
    call: Call, services: Services, sent: object, errors: list[str]
) -> None:
    for method, path, kept in (("POST", "/Mailing", {}), ("POST", "/Mailing/preview", {})):
        answer = call(method, path, json={**MAILING, **kept, "filter": sent})
        assert (answer.status, list(answer.json)) == (400, errors)
    assert services.mailings.get(1) is None
    call("POST", "/Mailing", json=MAILING)
    assert list(call("PATCH", "/Mailing/1", json={"filter": sent}).json) == errors


@pytest.mark.usefixtures("clients")
def test_a_mailing_cannot_ask_for_its_own_recipients(call: Call) -> None:
    call("POST", "/Mailing", json=MAILING)
    answer = call("PATCH", "/Mailing/1", json={"filter": {"not_received": 1}})
    assert (answer.status, list(answer.json)) == (400, ["filter.not_received"])


@pytest.mark.usefixtures("clients")
def test_a_condition_is_fixed_after_the_start(call: Call, services: Services) -> None:
    call("POST", "/Mailing", form={**MAILING, "filter": json.dumps(VIP)})
    assert call("PATCH", "/Mailing/1", json={"filter": OMSK}).json["filter"] == OMSK
    audience(services, 1)
    assert call("PATCH", "/Mailing/1", json={"filter": OMSK}).status == 200, "the same"
    answer = call("PATCH", "/Mailing/1", json={"filter": None})
    assert (answer.status, list(answer.json)) == (400, ["filter"])


@pytest.mark.usefixtures("clients")
def test_the_preview_says_the_condition_as_a_sentence(call: Call) -> None:
    preview = call("POST", "/Mailing/preview", json={**MAILING, "filter": {"all": [VIP, {"not": OMSK}]}}).json
    assert preview["filter_text"] == "the tag is “vip” and the attribute “город” is not “Омск”"
    assert call("POST", "/Mailing/preview", json=MAILING).json["filter_text"] is None


@pytest.mark.usefixtures("clients")
def test_an_audience_of_nobody_has_a_warning(call: Call) -> None:
    nobody = {"all": [VIP, {"field": "tag", "is": "new"}]}
    answer = call("POST", "/Mailing", json={**MAILING, "filter": nobody})
    assert answer.json["warnings"] == ["The mailing has no recipients now. They are chosen at its start."]
    assert "warnings" not in call("PATCH", "/Mailing/1", json={"filter": VIP}).json


@pytest.mark.usefixtures("clients")
def test_a_client_says_when_it_was_registered(call: Call, services: Services) -> None:
    shown = call("GET", "/Clients/1").json
    assert shown["registered_at"].endswith("Z")
    assert call("PUT", "/Clients/1", json=shown).json == shown, "it can be sent back"
    assert call("PATCH", "/Clients/1", json={"registered_at": "2020-01-01"}).json == shown
    client = services.clients.get(1)
    assert client is not None
    assert client.registered_at is not None
