"""`/StopList/`: phone numbers that nothing is sent to, whether or not a client has them."""

from __future__ import annotations

from typing import Any

from chalice.app import Response

from ..clients import stop_list
from ..domain.stop import BY_API, MAX_MICROSECONDS, StopCause
from ..fields import STOP, STOP_READ_ONLY
from ..http.calls import Call
from ..http.paging import Listed, answer_page, read_page
from ..representation import represent_stop
from ..rules import read_fields
from .idempotency import answer_idempotently


def list_(call: Call) -> Response:
    page = read_page(call.query, numbers=2, highest=MAX_MICROSECONDS)

    def read(limit: int) -> Listed:
        found, position = stop_list.list_stops(call.services, page.position, limit)
        return [represent_stop(stop) for stop in found], position

    return Response(answer_page(call.url, call.query, page, read))


def add(call: Call) -> Response:
    """201 for a number that was not on the list, otherwise 200 with the stop as it is."""
    fields: dict[str, Any] = read_fields(call.body(), STOP, STOP_READ_ONLY, partial=False)
    cause = StopCause(BY_API, fields.get("reason"))

    def act(_: int | None) -> Response:
        stop, is_new = stop_list.stop_number(
            call.services, fields["phone_number"], cause, call.author, fields.get("opted_out_at")
        )
        return Response(represent_stop(stop), status_code=201 if is_new else 200)

    return answer_idempotently(call, act)


def read(call: Call, phone_number: str) -> Response:
    return Response(represent_stop(stop_list.get_stop(call.services, phone_number)))


def remove(call: Call, phone_number: str) -> Response:
    stop_list.resume_number(call.services, phone_number, call.author)
    return Response("", status_code=204)
