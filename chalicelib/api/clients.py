"""`/Clients/`: list, register, read, change and delete clients; the stop list."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from chalice.app import Response

from ..clients import erasure, registry
from ..clients.history import list_history
from ..clients.listing import list_clients
from ..clients.registry import ClientFields
from ..domain.stop import BY_API, StopCause
from ..errors import WrongValue
from ..fields import CLIENT, CLIENT_READ_ONLY, PHONE_NUMBER
from ..http.calls import Call
from ..http.filters import read_client_filter
from ..http.paging import Listed, answer_page, position_at, position_of, read_page
from ..representation import represent_client, represent_erased, represent_mailed
from ..rules import Field, Rule, moment, read_fields, rule
from ..texts import Text
from .etags import answer_changed, answer_read, if_match, with_etag
from .idempotency import answer_idempotently, take_step

STOP = "opted_out_at"

ERASED = 202
"""The client is gone, and a job cleans its traces."""


def list_(call: Call) -> Response:
    page, has_time = read_page(call.query, numbers=2), call.has_time
    client_filter = read_client_filter(call.query)

    def read(limit: int) -> Listed:
        found, cursor = list_clients(call.services, client_filter, page.cursor, limit, has_time)
        return [represent_client(client) for client in found], position_of(cursor)

    return Response(answer_page(call.url, call.query, page, read))


def create(call: Call) -> Response:
    fields = _read(call, None, partial=False)

    def register(reserved_id: int | None) -> Response:
        client = registry.register_client(call.services, fields, reserved_id, call.author)
        return Response(represent_client(client), status_code=201)

    return with_etag(answer_idempotently(call, register, new_id=lambda: registry.new_client_id(call.services)))


def read(call: Call, client_id: int) -> Response:
    return answer_read(call, represent_client(registry.get_client(call.services, client_id)))


def change(call: Call, client_id: int, partial: bool) -> Response:
    fields = _read(call, client_id, partial)
    with if_match(call) as shown:
        client = registry.change_client(call.services, client_id, fields, call.author, shown)
    return answer_changed(represent_client(client), partial)


def delete(call: Call, client_id: int) -> Response:
    with if_match(call) as shown:
        registry.delete_client(call.services, client_id, call.author, shown)
    return Response("", status_code=204)


def history(call: Call, client_id: int) -> Response:
    page, has_time = read_page(call.query, numbers=1), call.has_time
    registry.get_client(call.services, client_id)

    def read_messages(limit: int) -> Listed:
        found, next_below = list_history(call.services, client_id, page.number, limit, has_time)
        return [represent_mailed(mailed.mailing, mailed.message) for mailed in found], position_at(next_below)

    return Response(answer_page(call.url, call.query, page, read_messages))


def erase(call: Call, client_id: int) -> Response:
    return take_step(
        call, lambda _: erasure.erase_client(call.services, client_id, call.author), _represent_erasure, ERASED
    )


def erase_phone(call: Call) -> Response:
    phone = _read_phone(call)

    def act(_: int | None) -> Response:
        erased = erasure.erase_phone(call.services, phone, call.author)
        return Response(_represent_erasure(erased), status_code=ERASED)

    return answer_idempotently(call, act)


def readmit(call: Call) -> Response:
    phone = _read_phone(call)

    def act(_: int | None) -> Response:
        erasure.readmit_phone(call.services, phone, call.author)
        return Response(represent_erased(None, stays_refused=False))

    return answer_idempotently(call, act)


def _represent_erasure(erased: erasure.Erased) -> dict[str, object]:
    return represent_erased(erased.client_id, erased.is_stopped)


def _read_phone(call: Call) -> str:
    return str(read_fields(call.body(), PHONE_NUMBER, set(), partial=False)["phone_number"])


def opt_out(call: Call, client_id: int) -> Response:
    cause = StopCause(BY_API)
    return take_step(
        call, lambda _: registry.opt_out_client(call.services, client_id, call.author, cause), represent_client
    )


def opt_in(call: Call, client_id: int) -> Response:
    return take_step(call, lambda _: registry.opt_in_client(call.services, client_id, call.author), represent_client)


def withdraw_consent(call: Call, client_id: int) -> Response:
    return take_step(call, lambda _: registry.withdraw_consent(call.services, client_id, call.author), represent_client)


def _read(call: Call, client_id: int | None, partial: bool) -> ClientFields:
    """`client_id`: None for a new client."""
    sent = call.body()
    client = registry.get_client(call.services, client_id) if client_id and sent.get(STOP) else None
    stop = client.opted_out_at if client else None
    known = {**CLIENT, STOP: Field(_unchanged_stop(stop), "Since when the client is on the stop list.")}
    fields = read_fields(sent, known, CLIENT_READ_ONLY, partial)
    return cast(ClientFields, {name: value for name, value in fields.items() if name != STOP})


def _unchanged_stop(current: datetime | None) -> Rule:
    """The `opted_out_at` that was read, sent back. Another value is refused: the client would not be stopped by it."""

    @rule(type=["string", "null"])
    def same(sent: object) -> None:
        if sent not in (None, "") and moment.read(sent) != (current and current.replace(microsecond=0)):
            raise WrongValue(Text("client.opted_out_at_read_only"))

    return same
