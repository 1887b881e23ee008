"""Segments: conditions with names, by the API, and in mailings and series."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.clients.registry import register_client
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.field_versions import Shown, version_of
from chalicelib.domain.filter import Filter
from chalicelib.domain.segment import FIELD_NAMES, Segment
from chalicelib.errors import Outdated
from chalicelib.mailings.segments import change_segment, get_segment
from chalicelib.representation import represent_segment

from .conftest import Call
from .test_console import Browser, anna, anonymous

__all__ = ["anna", "anonymous"]

NOW = datetime.now(UTC).replace(microsecond=0)
MAILING = {
    "datetime_start": (NOW + timedelta(hours=1)).isoformat(),
    "datetime_end": (NOW + timedelta(hours=2)).isoformat(),
    "message_text": "Привет",
}
VIP, NEW = {"field": "tag", "is": "vip"}, {"field": "tag", "is": "new"}
OMSK = {"field": "attributes.город", "is": "Омск"}


@pytest.fixture(autouse=True)
def clients(services: Services) -> None:
    for number, (tag, city) in enumerate([("vip", "Омск"), ("vip", "Томск"), ("new", "Омск")]):
        client: dict[str, Any] = {"phone_number": f"7977000000{number}", "tag": tag, "attributes": {"город": city}}
        register_client(services, client)


def make(call: Call, condition: object = VIP, name: str = "Постоянные") -> Any:
    return call("POST", "/Segments", json={"name": name, "filter": condition})


def audience(services: Services, mailing_id: int) -> list[int]:
    """The clients that the mailing chooses when it starts now."""
    mailing = services.mailings.get(mailing_id)
    assert mailing is not None
    services.mailings.change(mailing, replace(mailing, datetime_start=NOW - timedelta(hours=1)))
    assert start_mailing(services, mailing_id)
    walk_slice(services, mailing_id, 0, lambda: 900.0)
    started = services.mailings.get(mailing_id)
    assert started is not None
    return [row.client_id for row in services.messages.page(started.message_shard(0), 0, 100)]


def chosen_ids(services: Services, chosen: Filter) -> list[int]:
    return [number for number in (1, 2, 3) if (client := services.clients.get(number)) and chosen.chooses(client)]


def test_a_segment_is_made_read_listed_changed_counted_and_deleted_with_audit_records(call: Call) -> None:
    made = make(call)
    assert (made.status, made.json) == (201, {"id": 1, "name": "Постоянные", "filter": VIP})
    assert call("GET", "/Segments/1").json == made.json == call("PUT", "/Segments/1", json=made.json).json
    make(call, NEW, "Новые")
    assert [one["id"] for one in call("GET", "/Segments").json["results"]] == [2, 1]
    page = call("GET", "/Segments?limit=1").json
    assert ([one["id"] for one in page["results"]], page["next"] is not None) == ([2], True)
    assert call("GET", "/Segments/1/count").json == {"clients": 2, "is_whole": True}
    changed = call("PATCH", "/Segments/1", json={"filter": {"all": [VIP, OMSK]}})
    assert changed.json == {"id": 1, "name": "Постоянные", "filter": {"all": [VIP, OMSK]}}
    assert call("GET", "/Segments/1/count").json["clients"] == 1
    assert call("DELETE", "/Segments/1").status == 204
    assert [call(*step).status for step in (("GET", "/Segments/1"), ("DELETE", "/Segments/1"))] == [404, 404]
    records = [one for one in call("GET", "/Audit").json["results"] if one["what"] == "segment"]
    assert [(one["id"], one["action"]) for one in records] == [
        ("1", "removed"),
        ("1", "changed"),
        ("2", "made"),
        ("1", "made"),
    ]


def test_a_repeated_request_makes_one_segment(call: Call) -> None:
    first = call("POST", "/Segments", json={"name": "a", "filter": VIP}, key="k1")
    assert call("POST", "/Segments", json={"name": "a", "filter": VIP}, key="k1").json == first.json
    assert len(call("GET", "/Segments").json["results"]) == 1


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({}, {"name", "filter"}),
        ({"name": " ", "filter": None}, {"name", "filter"}),
        ({"name": "a" * 101, "filter": ""}, {"name", "filter"}),
        ({"name": "a", "filter": {"all": [VIP, {"field": "tga", "is": "x"}]}}, {"filter.all.1.field"}),
        ({"name": "a", "filter": {"not": {"field": "attributes.горд", "is": "Омск"}}}, {"filter.not.field"}),
        ({"name": "a", "filter": {"received": 7}}, {"filter.received"}),
        ({"name": "a", "filter": VIP, "nmae": "b"}, {"nmae"}),
    ],
)
def test_a_mistake_is_refused_by_its_place(call: Call, sent: dict[str, Any], errors: set[str]) -> None:
    answer = call("POST", "/Segments", json=sent)
    assert (answer.status, set(answer.json)) == (400, errors)
    assert call("GET", "/Segments").json["results"] == []


def test_a_form_that_another_person_overtakes_while_it_is_saved_overwrites_nothing(
    call: Call, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(call)
    segment = get_segment(services, 1)
    shown = Shown((version_of(represent_segment(segment), FIELD_NAMES),), FIELD_NAMES)
    change = services.segments.change

    def after_another(*arguments: Any) -> Any:
        monkeypatch.setattr(services.segments, "change", change)
        change_segment(services, 1, {"name": "Gold"})
        return change(*arguments)

    monkeypatch.setattr(services.segments, "change", after_another)
    with pytest.raises(Outdated):
        change_segment(services, 1, {"name": "Old"}, shown=shown)
    assert get_segment(services, 1).name == "Gold"


def test_a_mailing_reaches_the_clients_of_its_segment_that_meet_its_own_filters(call: Call, services: Services) -> None:
    make(call, OMSK)
    sent = {**MAILING, "segment": 1, "filter": {"not": NEW}}
    made = call("POST", "/Mailing", json=sent)
    assert (made.status, made.json["segment"]) == (201, 1)
    assert call("PUT", "/Mailing/1", json=made.json).json["segment"] == 1, "it can be sent back"
    preview = call("POST", "/Mailing/preview", json=sent).json
    assert preview["clients"] == 1
    assert preview["filter_text"] == (
        "the tag is not “new” and the client is in the segment “Постоянные”: the attribute “город” is “Омск”"
    )
    assert audience(services, 1) == [1]


def test_a_mailing_takes_its_segment_as_it_is_at_the_start_and_keeps_it(call: Call, services: Services) -> None:
    make(call)
    call("POST", "/Mailing", json={**MAILING, "segment": 1})
    call("PATCH", "/Segments/1", json={"filter": NEW})
    assert audience(services, 1) == [3]
    call("PATCH", "/Segments/1", json={"filter": OMSK})
    kept = services.mailings.get(1)
    assert kept is not None
    assert chosen_ids(services, kept.chosen) == [3]
    answer = call("PATCH", "/Mailing/1", json={"segment": None})
    assert (answer.status, set(answer.json)) == (400, {"segment"})
    assert call("PATCH", "/Mailing/1", json={"segment": 1}).status == 200, "the same"


def test_a_scheduled_mailing_is_shown_with_its_segment_as_it_is_now(anna: Browser, call: Call) -> None:
    make(call)
    later = {**MAILING, "datetime_start": "2040-01-01", "datetime_end": "2040-01-02"}
    assert "warnings" not in call("POST", "/Mailing", json={**later, "segment": 1}).json
    call("PATCH", "/Segments/1", json={"filter": {"field": "tag", "is": "nobody"}})
    page = anna.get("/console/mailings/1").text
    assert "the tag is “nobody”" in page
    nobody = "The mailing has no recipients now."
    assert nobody in page
    assert nobody in " ".join(call("PATCH", "/Mailing/1", json={"segment": 1}).json["warnings"])


def test_the_preview_of_a_mailing_knows_its_deleted_segment(anna: Browser, call: Call) -> None:
    make(call)
    later = {**MAILING, "datetime_start": "2040-01-01", "datetime_end": "2040-01-02"}
    call("POST", "/Mailing", json={**later, "segment": 1})
    call("DELETE", "/Segments/1")
    shown = anna.post("/console/preview", mailing="1", segment="1", filter="", **later).text
    assert "There is no segment" not in shown
    assert "the client is in the segment" in shown
    assert "There is no segment 1." in anna.post("/console/preview", segment="1", filter="", **later).text


def test_a_deleted_segment_changes_no_mailing(call: Call, services: Services) -> None:
    make(call)
    call("POST", "/Mailing", json={**MAILING, "segment": 1})
    call("DELETE", "/Segments/1")
    assert call("PATCH", "/Mailing/1", json={"message_text": "new"}).status == 200
    assert audience(services, 1) == [1, 2]


def test_an_unknown_segment_is_refused(call: Call) -> None:
    for path in ("/Mailing", "/Mailing/preview"):
        answer = call("POST", path, json={**MAILING, "segment": 9})
        assert (answer.status, answer.json) == (400, {"segment": ["There is no segment 9."]})
    assert set(call("POST", "/Mailing", json={**MAILING, "segment": "x"}).json) == {"segment"}
    call("POST", "/Mailing", json=MAILING)
    assert call("PATCH", "/Mailing/1", json={"segment": 9}).status == 400


def test_a_series_has_a_segment_too(call: Call, services: Services) -> None:
    make(call)
    series = {**MAILING, "repeat": "daily", "segment": 1}
    assert call("POST", "/Series", json={**series, "segment": 9}).status == 400
    assert call("POST", "/Series", json=series).json["segment"] == 1
    call("DELETE", "/Segments/1")
    kept = services.series.get(1)
    assert kept is not None
    assert chosen_ids(services, kept.mailing.chosen) == [1, 2]


def test_a_series_is_shown_with_its_segment_as_it_is_now(anna: Browser, call: Call) -> None:
    make(call)
    call("POST", "/Series", json={**MAILING, "repeat": "daily", "segment": 1})
    call("PATCH", "/Segments/1", json={"filter": NEW})
    assert "the tag is “new”" in anna.get("/console/series/1").text


def test_a_segment_that_is_only_named_chooses_nobody(services: Services) -> None:
    assert chosen_ids(services, Filter(segment=Segment(1))) == []
