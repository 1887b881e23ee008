"""ETags: a change with If-Match overwrites nothing that its author has not seen; If-None-Match saves the body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.clients.registry import change_client

from .conftest import Answer, Call

MAILING = {"datetime_start": "2040-01-01T10:00:00Z", "datetime_end": "2040-01-03T10:00:00Z", "message_text": "Hello"}
OBJECTS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "/Clients": ({"phone_number": "79770000001"}, {"tag": "new"}, {"timezone": "Asia/Omsk"}),
    "/Mailing": (MAILING, {"message_text": "Hi"}, {"rate_limit": 5}),
    "/Segments": (
        {"name": "VIP", "filter": {"field": "tag", "is": "vip"}},
        {"name": "Gold"},
        {"filter": {"field": "tag", "is": "gold"}},
    ),
    "/Series": ({**MAILING, "repeat": "daily"}, {"message_text": "Hi"}, {"repeat_times": 3}),
}
"""By address: what makes an object, and two changes of it that touch different fields."""

DELETABLE = ["/Clients", "/Mailing", "/Segments"]
each_object = pytest.mark.parametrize("path", OBJECTS)

Written = Callable[[], list[Any]]


def make(call: Call, path: str) -> str:
    """The ETag of the made object."""
    made = call("POST", path, json=OBJECTS[path][0])
    assert made.status == 201, made.text
    return made.headers["ETag"]


def require_refused(answer: Answer, *fields: str) -> None:
    assert answer.status == 412
    detail = answer.json["detail"]
    assert "Read it again, and repeat the request with the new ETag." in detail
    assert {name for name in fields if name in detail} == set(fields)


@each_object
def test_the_etag_of_an_object_is_the_same_however_it_is_read_and_changes_with_it(call: Call, path: str) -> None:
    etag = make(call, path)
    assert etag.startswith('"')
    assert call("GET", f"{path}/1").headers["ETag"] == call("HEAD", f"{path}/1").headers["ETag"] == etag
    changed = call("PATCH", f"{path}/1", json=OBJECTS[path][1])
    assert changed.headers["ETag"] != etag
    assert changed.headers["ETag"] == call("GET", f"{path}/1").headers["ETag"]


@each_object
def test_a_change_of_what_was_read_is_written_and_one_of_what_has_changed_since_is_not(
    call: Call, path: str, written: Written
) -> None:
    etag = make(call, path)
    _, first, second = OBJECTS[path]
    assert call("PATCH", f"{path}/1", json=first, more={"If-Match": etag}).status == 200
    before = written()
    require_refused(call("PATCH", f"{path}/1", json=second, more={"If-Match": etag}), *first)
    put = {**OBJECTS[path][0], **second}
    require_refused(call("PUT", f"{path}/1", json=put, more={"If-Match": etag}), *first)
    if path in DELETABLE:
        require_refused(call("DELETE", f"{path}/1", more={"If-Match": etag}), *first)
    assert written() == before
    again = call("GET", f"{path}/1").headers["ETag"]
    assert call("PUT", f"{path}/1", json=put, more={"If-Match": again}).status == 200


@pytest.mark.parametrize("path", DELETABLE)
def test_what_was_read_can_be_deleted(call: Call, path: str) -> None:
    etag = make(call, path)
    assert call("DELETE", f"{path}/1", more={"If-Match": etag}).status == 204


def test_without_the_header_the_last_change_wins_as_before(call: Call) -> None:
    make(call, "/Clients")
    for tag in ("a", "b"):
        assert call("PATCH", "/Clients/1", json={"tag": tag}).json["tag"] == tag


def test_a_step_of_a_mailing_counts_as_a_change(call: Call) -> None:
    etag = make(call, "/Mailing")
    call("POST", "/Mailing/1/cancel")
    require_refused(call("DELETE", "/Mailing/1", more={"If-Match": etag}), "status")


def test_a_change_that_comes_between_the_check_and_the_write_is_not_overwritten(
    call: Call, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    etag = make(call, "/Clients")
    change = services.clients.change

    def after_another(*arguments: Any) -> Any:
        monkeypatch.setattr(services.clients, "change", change)
        change_client(services, 1, {"tag": "newer"})
        return change(*arguments)

    monkeypatch.setattr(services.clients, "change", after_another)
    require_refused(call("PATCH", "/Clients/1", json={"timezone": "Asia/Omsk"}, more={"If-Match": etag}), "tag")
    assert call("GET", "/Clients/1").json["tag"] == "newer"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{etag}", 200),
        ('"another", {etag}', 200),
        (', "a,b" ,,{etag} ,', 200),
        ("*", 200),
        (" * ", 200),
        ("W/{etag}", 412),
        ('W/"x", "y"', 412),
        ('""', 412),
        ("", 400),
        (",", 400),
        ("{bare}", 400),
        ("{etag} {etag}", 400),
        ("*, {etag}", 400),
        ('w/"x"', 400),
        ('"' + " " * 5000, 400),
    ],
)
def test_if_match_is_read_as_rfc_9110_says(call: Call, form: str, status: int) -> None:
    etag = make(call, "/Clients")
    header = form.format(etag=etag, bare=etag.strip('"'))
    answer = call("PATCH", "/Clients/1", json={"tag": "new"}, more={"If-Match": header})
    assert (answer.status, call("GET", "/Clients/1").json["tag"]) == (status, "new" if status == 200 else None)


def test_an_object_that_is_not_there_is_a_404_whatever_was_read(call: Call) -> None:
    for header in ("*", '"x"'):
        assert call("PATCH", "/Clients/7", json={"tag": "new"}, more={"If-Match": header}).status == 404
        assert call("DELETE", "/Clients/7", more={"If-Match": header}).status == 404


@each_object
def test_an_object_that_the_caller_has_is_answered_without_a_body(call: Call, path: str) -> None:
    etag = make(call, path)
    for header in (etag, f'"x", W/{etag}', "*"):
        same = call("GET", f"{path}/1", more={"If-None-Match": header})
        assert (same.status, same.text, same.headers["ETag"]) == (304, "", etag)
    for header in ('"x"', f'{etag[:-1]}x"'):
        assert call("GET", f"{path}/1", more={"If-None-Match": header}).status == 200
    assert call("GET", f"{path}/1", more={"If-None-Match": "x"}).status == 400


def test_the_answer_to_a_put_has_no_etag_because_it_did_not_store_what_was_sent(call: Call) -> None:
    make(call, "/Clients")
    assert "ETag" not in call("PUT", "/Clients/1", json={"phone_number": "79770000002"}).headers


def test_a_repeated_post_has_the_etag_of_its_answer(call: Call) -> None:
    first, again = (call("POST", "/Mailing", json=MAILING, key="k") for _ in range(2))
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"] == call("GET", "/Mailing/1").headers["ETag"]
