"""CSV files out: clients, a mailing's messages, an import's refused rows.

A Lambda's answer is at most 6 MB, so a file comes in parts, each with the address of the next one in its Link header;
only the first has the names of the columns, so that the parts one after the other are one file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from chalice.app import Response

from ..clients import imports
from ..clients import registry as clients_
from ..domain.client import Client, is_attribute_name
from ..domain.client_import import ATTRIBUTE_COLUMN, RefusedRow
from ..domain.csv_file import write_rows
from ..domain.walk import Cursor
from ..errors import BadInput
from ..mailings import lifecycle, stats
from ..mailings.placeholders import ATTRIBUTE
from ..representation import CLIENT_FIELDS, MESSAGE_FIELDS, represent_client, represent_message
from .calls import Call
from .filters import read_client_filter, read_message_status
from .paging import Page, cursor_place, next_url, read_page

PART = 20_000
"""Rows; fewer where they are long or slow to find."""

PAGE = 500
SIZE = 3_500_000
"""Bytes after which a part ends: a page more, as JSON escapes it, is still below Lambda's 6 MB."""

PATIENCE = timedelta(seconds=8)
BOM = "\ufeff"
CLIENT_COLUMNS = tuple(name for name in CLIENT_FIELDS if name != "attributes")

MOST_ATTRIBUTES = 40
"""With their names a part's address stays shorter than the 10 KB that API Gateway takes."""

NOTHING_MORE: Mapping[str, str] = {}

Place = tuple[int, ...]
Rows = list[list[object]]
Read = Callable[[Place, int], tuple[Rows, Place | None]]


def clients(call: Call) -> Response:
    """A column for each attribute; which they are is kept in the parts' addresses, whatever is registered meanwhile."""
    wanted, names = read_client_filter(call.query), _attribute_names(call)
    columns = (*CLIENT_COLUMNS, *(f"{ATTRIBUTE_COLUMN}{name}" for name in names))

    def read(place: Place, limit: int) -> tuple[Rows, Place | None]:
        found, cursor = clients_.list_clients(call.services, wanted, Cursor(*place), limit)
        return [_cells(_flat(client), columns) for client in found], cursor_place(cursor)

    return _part(call, "clients.csv", columns, read, beginning=(0, 0), kept={"attributes": ",".join(names)})


def messages(call: Call, mailing_id: int) -> Response:
    status = read_message_status(call.query.get("status"))
    mailing = lifecycle.get_mailing(call.services, mailing_id)

    def read(place: Place, limit: int) -> tuple[Rows, Place | None]:
        found, cursor = stats.list_messages(call.services, mailing, status, Cursor(*place), limit)
        return [_cells(represent_message(message), MESSAGE_FIELDS) for message in found], cursor_place(cursor)

    return _part(call, f"mailing-{mailing_id}.csv", MESSAGE_FIELDS, read, beginning=(0, 0))


def refused(call: Call, import_id: int) -> Response:
    """The rows as they were, and why: to be mended and sent again."""
    columns = [name for name in imports.get_import(call.services, import_id).form.columns if name != imports.REASON]

    def read(place: Place, limit: int) -> tuple[Rows, Place | None]:
        found, after = imports.list_refused(call.services, import_id, place[0], limit)
        return [[*_cells(row.cells, columns), _reason(row)] for row in found], None if after is None else (after,)

    return _part(call, f"import-{import_id}-refused.csv", (*columns, imports.REASON), read, beginning=(0,))


def _attribute_names(call: Call) -> list[str]:
    """Those that are asked for, or all that clients have."""
    if "attributes" in call.query:
        names = [name.strip() for name in call.query["attributes"].split(",") if name.strip()]
        if not all(map(is_attribute_name, names)):
            raise BadInput({"attributes": ["Names of attributes, separated by commas, are expected."]})
    else:
        names = call.services.labels.read(ATTRIBUTE, MOST_ATTRIBUTES + 1)
    if len(names) > MOST_ATTRIBUTES:
        some = f"At most {MOST_ATTRIBUTES} attributes go into one file: say which, as in ?attributes=имя,город."
        raise BadInput({"attributes": [some]})
    return list(dict.fromkeys(names))


def _flat(client: Client) -> dict[str, object]:
    own = {f"{ATTRIBUTE_COLUMN}{name}": value for name, value in client.attributes.items()}
    return {**represent_client(client), **own}


def _cells(shown: object, columns: Sequence[str]) -> list[object]:
    assert isinstance(shown, dict)
    return [shown.get(column) for column in columns]


def _reason(row: RefusedRow) -> str:
    return "; ".join(f"{field}: {' '.join(texts)}" for field, texts in row.errors.items())


def _part(
    call: Call,
    name: str,
    columns: Sequence[str],
    read: Read,
    beginning: Place,
    kept: Mapping[str, str] = NOTHING_MORE,
) -> Response:
    """`kept`: what the next part's address has besides this one's query."""
    page = read_page(call.query, len(beginning), default=PART, most=PART)
    text, rest = _read_part(call, page, read, beginning)
    head = BOM + write_rows([columns]) if page.place is None else ""
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    if rest is not None:
        headers["Link"] = f'<{next_url(call.url, {**call.query, **kept}, page, rest)}>; rel="next"'
    return Response(head + text, headers=dict(headers))


def _read_part(call: Call, page: Page, read: Read, beginning: Place) -> tuple[str, Place | None]:
    """Page by page, until there are enough rows, or bytes, or it takes too long; and where to go on."""
    deadline = call.services.clock.now() + PATIENCE
    place: Place | None = page.place or beginning
    parts: list[str] = []
    rows = size = 0
    while place is not None and rows < page.limit and size < SIZE and call.services.clock.now() < deadline:
        found, place = read(place, min(PAGE, page.limit - rows))
        parts.append(write_rows(found))
        rows += len(found)
        size += len(json.dumps(parts[-1]))
    return "".join(parts), place
