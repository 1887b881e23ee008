"""Pages of clients: the list with its filters, and one client's form."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode

import pytz
from chalice.app import Response

from .. import clients
from ..api.calls import read_id
from ..api.clients import FILTERS, read_filter
from ..api.paging import answer_page, cursor_place, read_page
from ..clients import ClientFields
from ..domain.client import Client
from ..errors import BadInput, FieldErrors
from ..fields import CLIENT, read_fields
from .visits import Visit

LIST_LENGTH = 50
LABELS_SHOWN = 1000


def list_(visit: Visit) -> Response:
    page = read_page({"limit": str(LIST_LENGTH), **visit.query}, numbers=2)
    wanted = {name: visit.query.get(name, "").strip() for name in FILTERS}
    found, cursor = clients.list_clients(visit.outside, read_filter(wanted), page.cursor, page.limit)
    kept = {name: value for name, value in wanted.items() if value}
    listed = answer_page(visit.prefix + visit.path, kept, page, cursor_place(cursor), [])
    return visit.page(
        "clients.html",
        clients=found,
        next=listed["next"],
        wanted=wanted,
        kept=f"?{urlencode(kept)}" if kept else "",
        tags=visit.outside.labels.read("tag", LABELS_SHOWN),
        codes=visit.outside.labels.read("operator_code", LABELS_SHOWN),
        done=visit.query.get("done"),
    )


def new(visit: Visit) -> Response:
    return _form(visit, None, {"timezone": "UTC"})


def edit(visit: Visit, sent_id: str) -> Response:
    client = clients.get_client(visit.outside, read_id(sent_id))
    return _form(visit, client, {name: clients.shown(client)[name] or "" for name in CLIENT})


def save_new(visit: Visit) -> Response:
    return _save(visit, None)


def save(visit: Visit, sent_id: str) -> Response:
    return _save(visit, clients.get_client(visit.outside, read_id(sent_id)))


def ask_delete(visit: Visit, sent_id: str) -> Response:
    return visit.page("client_question.html", client=clients.get_client(visit.outside, read_id(sent_id)))


def delete(visit: Visit, sent_id: str) -> Response:
    clients.forget_client(visit.outside, read_id(sent_id), visit.author)
    return visit.go("/console/clients", done="deleted")


def _save(visit: Visit, before: Client | None) -> Response:
    sent: dict[str, object] = {name: visit.field(name).strip() for name in CLIENT}
    try:
        wanted = cast(ClientFields, read_fields(sent, CLIENT, set(), partial=False))
        if before is None:
            clients.register_client(visit.outside, wanted, author=visit.author)
        else:
            clients.change_client(visit.outside, before.id, wanted, visit.author)
    except BadInput as refused:
        return _form(visit, before, sent, cast(FieldErrors, refused.body))
    return visit.go("/console/clients", phone_number=sent["phone_number"], done="saved")


def _form(
    visit: Visit, client: Client | None, values: dict[str, object], errors: FieldErrors | None = None
) -> Response:
    return visit.page(
        "client_form.html",
        status_code=400 if errors else 200,
        client=client,
        values={name: values.get(name, "") for name in CLIENT},
        tags=visit.outside.labels.read("tag", LABELS_SHOWN),
        timezones=pytz.common_timezones,
        errors=errors or {},
    )
