"""Pages of clients: the list with its filters, and one client's form."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode

import pytz
from chalice.app import Response

from ..adapters.outside import Outside
from ..clients import registry
from ..clients.registry import ClientFields
from ..domain.client import Client
from ..domain.record import Author
from ..errors import BadInput, FieldErrors, NotFound
from ..fields import CLIENT, Field, attributes, read_fields, rule
from ..http.calls import read_id
from ..http.filters import CLIENT_FILTERS, read_client_filter
from ..http.paging import answer_page, cursor_place, read_page
from ..mailings.placeholders import suggested_names
from ..representation import represent_client
from .visits import Visit

LIST_LENGTH = 50
LABELS_SHOWN = 1000

QUESTIONS = {
    "delete": "Delete this client? What is queued will not be sent; messages already sent stay in the statistics.",
    "opt_out": "Put this client on the stop list? It is sent nothing more; what is queued for it is cancelled.",
    "opt_in": "Take this client off the stop list? Ask the person first: mailings will reach this number again.",
}
STEPS: dict[str, Callable[[Outside, int, Author], object]] = {
    "delete": registry.forget_client,
    "opt_out": registry.opt_out_client,
    "opt_in": registry.opt_in_client,
}


@rule(type="string")
def attribute_lines(sent: object) -> object:
    """As they are typed in the form: `name=value`, each in a line of its own."""
    lines = [line.partition("=") for line in str(sent).split("\n") if line.strip()]
    if not all(is_pair for _, is_pair, _ in lines):
        raise ValueError("In each line a name, = and a value are expected: имя=Анна.")
    return attributes.read({name: value for name, _, value in lines})


FORM = {**CLIENT, "attributes": Field(attribute_lines, CLIENT["attributes"].about)}


def list_(visit: Visit) -> Response:
    page = read_page({"limit": str(LIST_LENGTH), **visit.query}, numbers=2)
    wanted = {name: visit.query.get(name, "").strip() for name in CLIENT_FILTERS}
    found, cursor = registry.list_clients(visit.outside, read_client_filter(wanted), page.cursor, page.limit)
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
    client = registry.get_client(visit.outside, read_id(sent_id))
    values = {name: represent_client(client)[name] or "" for name in CLIENT}
    lines = "\n".join(f"{name}={value}" for name, value in client.attributes.items())
    return _form(visit, client, {**values, "attributes": lines})


def save_new(visit: Visit) -> Response:
    return _save(visit, None)


def save(visit: Visit, sent_id: str) -> Response:
    return _save(visit, registry.get_client(visit.outside, read_id(sent_id)))


def ask(visit: Visit, sent_id: str, step: str) -> Response:
    """The question before what is not done lightly."""
    if step not in QUESTIONS:
        raise NotFound
    client = registry.get_client(visit.outside, read_id(sent_id))
    return visit.page("client_question.html", client=client, step=step, question=QUESTIONS[step])


def take(visit: Visit, sent_id: str, step: str) -> Response:
    if step not in STEPS:
        raise NotFound
    STEPS[step](visit.outside, read_id(sent_id), visit.author)
    if step == "delete":
        return visit.go("/console/clients", done="deleted")
    return visit.go(f"/console/clients/{sent_id}", done=step)


def _save(visit: Visit, before: Client | None) -> Response:
    sent: dict[str, object] = {name: visit.field(name).strip() for name in CLIENT}
    try:
        wanted = cast(ClientFields, read_fields(sent, FORM, set(), partial=False))
        if before is None:
            registry.register_client(visit.outside, wanted, author=visit.author)
        else:
            registry.change_client(visit.outside, before.id, wanted, visit.author)
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
        names=suggested_names(visit.outside),
        timezones=pytz.common_timezones,
        errors=errors or {},
        done=visit.query.get("done"),
    )
