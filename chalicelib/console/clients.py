"""Pages of clients: the list with its filters, and the form of a client."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

import pytz
from chalice.app import Response

from ..adapters.services import Services
from ..clients import erasure, registry
from ..clients.history import list_history
from ..clients.listing import ClientTotal, list_clients, total_of
from ..clients.registry import ClientFields
from ..domain.audit_record import Author
from ..domain.client import GIVEN_FIELDS, Client
from ..domain.consent import CONSENT_FIELDS, MAX_TEXT
from ..domain.field_versions import Shown, changed_since, version_of
from ..domain.phone_part import other_meaning
from ..domain.stop import BY_CONSOLE, StopCause
from ..domain.template import fill_masked
from ..domain.walk import reads_limit, time_limit
from ..errors import BadInput, FieldErrors, NotFound, Outdated, WrongValue
from ..field_rules import attributes
from ..fields import CLIENT
from ..http.calls import read_id
from ..http.filters import CLIENT_FILTERS, read_client_filter
from ..http.paging import position_at, position_of
from ..mailings.placeholders import suggested_placeholders
from ..representation import represent_client
from ..rules import Field, read_fields, rule
from ..texts import Text
from .page_requests import PageRequest
from .restricted_pages import for_writers

LIST_LENGTH = 50
LABELS_SHOWN = 1000
HISTORY_LENGTH = 20
HISTORY_SECONDS = 1.0
"""The time of the history on the page of a client. After it the table is short, and its link continues."""

FIRST_HISTORY_READS = 2
"""The page itself looks for the history in the newest hundred mailings only. The link looks for as long as it may."""

QUESTIONS = {
    "delete": "Delete this client? Queued messages will not be sent; sent messages stay in the statistics.",
    "erase": "Erase this client and everything that is kept about it, for good? Nobody can undo this.",
    "opt_out": "Put this client on the stop list? Nothing more is sent to it, and queued messages are cancelled.",
    "opt_in": "Remove this client from the stop list? Ask the person first: mailings will reach this number again.",
    "withdraw": "Withdraw this client's consent to marketing? The record of the consent is kept.",
}
STEPS: dict[str, Callable[[Services, int, Author], object]] = {
    "delete": registry.delete_client,
    "erase": erasure.erase_client,
    "opt_out": partial(registry.opt_out_client, cause=StopCause(BY_CONSOLE)),
    "opt_in": registry.opt_in_client,
    "withdraw": registry.withdraw_consent,
}


GONE = {"delete": "deleted", "erase": "erased"}
"""Steps after which there is no page of the client, each with the note on the list."""


@rule(type="string")
def attribute_lines(value: object) -> object:
    """Reads attributes from the form: one `name=value` per line."""
    lines = [line.partition("=") for line in str(value).split("\n") if line.strip()]
    if not all(separator for _, separator, _ in lines):
        raise WrongValue(Text("attributes.not_lines"))
    return attributes.read({name: text for name, _, text in lines})


LAID_OUT = {"phone_number", "tag", "timezone", "attributes", *CONSENT_FIELDS}
"""Fields with an input of their own kind in the form; any other is a line of text."""

Values = dict[str, object]
FORM = {**CLIENT, "attributes": Field(attribute_lines, CLIENT["attributes"].about)}


def list_(request: PageRequest) -> Response:
    page = request.list_page(numbers=2, length=LIST_LENGTH)
    filters = {name: request.query.get(name, "").strip() for name in CLIENT_FILTERS}
    query = {name: value for name, value in filters.items() if value}
    found, cursor, errors = list[Client](), None, FieldErrors()
    try:
        found, cursor = list_clients(
            request.services, read_client_filter(filters, request.principal), page.cursor, page.limit
        )
    except BadInput as refusal:
        errors = refusal.errors
    return request.page(
        "clients.html",
        BadInput.status_code if errors else 200,
        clients=found,
        errors=errors,
        next=request.next_page(page, position_of(cursor), query),
        is_short=cursor is not None and len(found) < page.limit,
        total=_total(request, len(found), is_whole=cursor is None and page.position is None, is_all=not query),
        other_meaning=other_meaning(filters["phone"]) if request.principal.sees_phones else None,
        sees_phones=request.principal.sees_phones,
        filters=filters,
        query=f"?{urlencode(query)}" if query else "",
        tags=request.services.labels.read("tag", LABELS_SHOWN),
        codes=request.services.labels.read("operator_code", LABELS_SHOWN),
        names=suggested_placeholders(request.services),
        done=request.query.get("done"),
    )


def _total(request: PageRequest, shown: int, is_whole: bool, is_all: bool) -> ClientTotal | None:
    """None for a list with a filter that has further pages: to count them would read them."""
    return total_of(request.services, shown, is_whole) if is_whole or is_all else None


@for_writers
def new(request: PageRequest) -> Response:
    return _form(request, None, {"timezone": "UTC"})


def edit(request: PageRequest, sent_id: str) -> Response:
    client = registry.get_client(request.services, read_id(sent_id))
    fields = represent_client(client)
    values = {name: fields[name] or "" for name in CLIENT}
    lines = "\n".join(f"{name}={value}" for name, value in client.attributes.items())
    version = version_of(fields, GIVEN_FIELDS)
    return _form(request, client, {**values, "attributes": lines}, version=version, **_history(request, client))


def _history(request: PageRequest, client: Client) -> dict[str, Any]:
    page = request.list_page(numbers=1, length=HISTORY_LENGTH)
    has_time = time_limit(request.services.clock.now, HISTORY_SECONDS)
    if page.position is None:
        has_time = reads_limit(FIRST_HISTORY_READS, has_time)
    found, next_below = list_history(request.services, client.id, page.number, page.limit, has_time)
    is_short = next_below is not None and len(found) < page.limit
    texts = {one.mailing.id: fill_masked(one.mailing.text_of(one.message), client) for one in found}
    following = request.next_page(page, position_at(next_below))
    return {"history": found, "texts": texts, "is_short": is_short, "next": following}


def save_new(request: PageRequest) -> Response:
    return _submit(
        request, None, lambda fields: registry.register_client(request.services, fields, author=request.author)
    )


def save(request: PageRequest, sent_id: str) -> Response:
    client_id, version = read_id(sent_id), request.field("version")
    before = registry.get_client(request.services, client_id)

    def change(fields: ClientFields) -> Client:
        shown = Shown((version,), GIVEN_FIELDS)
        return registry.change_client(request.services, client_id, fields, request.author, shown)

    try:
        return _submit(request, before, change)
    except Outdated as refusal:
        client = registry.get_client(request.services, client_id)
        current = represent_client(client)
        changes = {name: current[name] for name in changed_since(version, current, GIVEN_FIELDS)}
        shown = {"outdated": refusal.detail, "changes": changes, "version": version_of(current, GIVEN_FIELDS)}
        return _form(request, client, _submitted(request), refusal.status_code, **shown)


@for_writers
def confirm_step(request: PageRequest, sent_id: str, step: str) -> Response:
    """The page that asks for confirmation."""
    if step not in QUESTIONS:
        raise NotFound
    client = registry.get_client(request.services, read_id(sent_id))
    return request.page("client_question.html", client=client, step=step, question=QUESTIONS[step])


def take_step(request: PageRequest, sent_id: str, step: str) -> Response:
    if step not in STEPS:
        raise NotFound
    STEPS[step](request.services, read_id(sent_id), request.author)
    if step in GONE:
        return request.redirect("/console/clients", done=GONE[step])
    return request.redirect(f"/console/clients/{sent_id}", done=step)


def _submit(request: PageRequest, before: Client | None, write: Callable[[ClientFields], Client]) -> Response:
    values = _submitted(request)
    try:
        client = write(cast(ClientFields, read_fields(values, FORM, set(), partial=False)))
    except BadInput as refusal:
        return _form(request, before, values, refusal.status_code, errors=refusal.errors)
    return request.redirect("/console/clients", phone_number=client.phone_number, done="saved")


def _submitted(request: PageRequest) -> Values:
    return {name: request.field(name).strip() for name in CLIENT}


def _form(
    request: PageRequest, client: Client | None, values: Values, status_code: int = 200, **shown: Any
) -> Response:
    """`shown`: what the page shows beside the form, and the version of its next submission if that changes."""
    return request.page(
        "client_form.html",
        status_code,
        client=client,
        values={name: values.get(name, "") for name in CLIENT},
        tags=request.services.labels.read("tag", LABELS_SHOWN),
        names=suggested_placeholders(request.services),
        timezones=pytz.common_timezones,
        longest_consent=MAX_TEXT,
        other_fields=[name for name in CLIENT if name not in LAID_OUT],
        done=request.query.get("done"),
        **{
            "errors": {},
            "outdated": None,
            "version": request.field("version"),
            "history": None,
            "is_short": False,
            **shown,
        },
    )
