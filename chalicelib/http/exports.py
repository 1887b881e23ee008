"""CSV exports: clients, messages of a mailing, refused rows of an import, the consent of a client.

A Lambda response is limited to 6 MB, so a file is served in parts. The Link header of a part has the URL of the next
one. Only the first part has the column names, so that the concatenated parts are one CSV file.

`viewer`: the user of the console whose role the file obeys; None for a program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chalice.app import Response

from ..clients import imports, stop_list
from ..clients.consent_report import REPORT_FIELDS, consent_rows, message_rows
from ..clients.history import list_history
from ..clients.import_columns import REASON, REFUSED_BECAUSE
from ..clients.listing import list_clients
from ..clients.registry import get_client
from ..domain.client import Client, is_attribute_name
from ..domain.client_import import ATTRIBUTE_COLUMN, STOP_LIST, RefusedRow
from ..domain.csv_file import unescape_formula, write_rows
from ..domain.principal import Principal
from ..domain.stop import FIRST_POSITION, MAX_MICROSECONDS
from ..domain.unicode_text import compose
from ..domain.walk import Cursor, HasTime, time_limit
from ..errors import BadInput, shown_errors
from ..mailings import lifecycle, stats
from ..mailings.failures import failure_named
from ..mailings.placeholders import ATTRIBUTE
from ..representation import (
    CLIENT_FIELDS,
    MESSAGE_FIELDS,
    STOP_FIELDS,
    represent_client,
    represent_message,
    represent_stop,
)
from ..texts import Text
from .calls import Call
from .filters import read_client_filter, read_message_status
from .paging import (
    MAX_POSITION,
    SIZE_LIMIT,
    Page,
    next_url,
    position_at,
    position_of,
    read_fitting,
    read_page,
    text_size,
)
from .phones import cells_shown, fields_shown, phones_of, position_meant, position_shown, shown_to

MOST_ROWS = 20_000
"""Rows in a part; fewer if the rows are long or slow to find."""

PAGE_ROWS = 500
TIME_LIMIT = 8.0
"""Seconds for all reads of a part."""

BOM = "\ufeff"
CLIENT_COLUMNS = tuple(name for name in CLIENT_FIELDS if name != "attributes")

PHONE = "phone_number"

MOST_ATTRIBUTES = 40
"""The URL of a part contains the names and must stay under API Gateway's limit of 10 KB."""

NO_PARAMETERS: Mapping[str, str] = {}

Position = tuple[int, ...]
Rows = list[list[object]]
ReadRows = Callable[[Position, int], tuple[Rows, Position | None]]


def clients(call: Call, viewer: Principal | None = None) -> Response:
    """One column per attribute. The URLs of the parts keep the names, so that all parts have the same columns."""
    wanted, names = read_client_filter(call.query, viewer), _attribute_names(call)
    has_time = _time_of_part(call)
    columns = (*CLIENT_COLUMNS, *(f"{ATTRIBUTE_COLUMN}{name}" for name in names))

    def read(position: Position, limit: int) -> tuple[Rows, Position | None]:
        found, cursor = list_clients(call.services, wanted, Cursor(*position), limit, has_time)
        return [_cells(fields_shown(viewer, _flat(client)), columns) for client in found], position_of(cursor)

    return _part(
        call, "clients.csv", columns, read, (0, 0), parameters={"attributes": ",".join(names)}, has_time=has_time
    )


def stops(call: Call, viewer: Principal | None = None) -> Response:
    def read(position: Position, limit: int) -> tuple[Rows, Position | None]:
        after = position_meant(call.services, viewer, position)
        found, following = stop_list.list_stops(call.services, after, limit)
        rows = [_cells(fields_shown(viewer, represent_stop(stop)), STOP_FIELDS) for stop in found]
        return rows, position_shown(call.services, viewer, following)

    return _part(
        call, "stop-list.csv", STOP_FIELDS, read, FIRST_POSITION, _time_of_part(call), highest=MAX_MICROSECONDS
    )


def messages(call: Call, mailing_id: int, viewer: Principal | None = None) -> Response:
    """For people with the phone numbers, and of one reason if the query names it."""
    key = call.query.get("reason") if viewer else None
    mailing = lifecycle.get_mailing(call.services, mailing_id)
    reason = failure_named(call.services, mailing, key)[0] if key else None
    status = reason.status if reason else read_message_status(call.query.get("status"))
    has_time, error = _time_of_part(call), reason.text if reason else None
    columns = (*MESSAGE_FIELDS, PHONE) if viewer else MESSAGE_FIELDS

    def read(position: Position, limit: int) -> tuple[Rows, Position | None]:
        found, cursor = stats.list_messages(
            call.services, mailing, status, Cursor(*position), limit, has_time, error=error
        )
        phones = phones_of(call.services, viewer, found) if viewer else {}
        rows = [{**represent_message(message), PHONE: phones.get(message.client_id)} for message in found]
        return [_cells(row, columns) for row in rows], position_of(cursor)

    return _part(call, f"mailing-{mailing_id}.csv", columns, read, (0, 0), has_time=has_time)


def consent_report(call: Call, client_id: int, viewer: Principal | None = None) -> Response:
    """The consent of a client, and the messages to it, of the newest mailing first."""
    client = get_client(call.services, client_id)
    has_time = _time_of_part(call)

    def read(position: Position, limit: int) -> tuple[Rows, Position | None]:
        below = position[0] or None
        found, next_below = list_history(call.services, client_id, below, limit, has_time)
        rows = [*([] if below else consent_rows(client)), *message_rows(client, found)]
        return [_cells(fields_shown(viewer, row), REPORT_FIELDS) for row in rows], position_at(next_below)

    return _part(call, f"client-{client_id}-consent.csv", REPORT_FIELDS, read, (0,), has_time)


def refused(call: Call, import_id: int, viewer: Principal | None = None) -> Response:
    """The refused rows with their reasons. The file can be corrected and imported again."""
    client_import = imports.get_import(call.services, import_id)
    form, reason = client_import.form, REFUSED_BECAUSE if client_import.kind == STOP_LIST else REASON
    show = shown_to(viewer)
    columns = [name for name, meaning in zip(form.labels, form.columns, strict=True) if meaning != reason]

    def read(position: Position, limit: int) -> tuple[Rows, Position | None]:
        found, last_row = imports.list_refused(call.services, import_id, position[0], limit)
        cells = [_cells(_unescaped(cells_shown(viewer, form, row)), columns) for row in found]
        return [[*one, show(_reason(row))] for one, row in zip(cells, found, strict=True)], position_at(last_row)

    head = (*map(show, columns), reason)
    return _part(call, f"import-{import_id}-refused.csv", head, read, (0,), _time_of_part(call))


def _attribute_names(call: Call) -> list[str]:
    """The attributes that the query names, or all attributes in use. Raises BadInput."""
    if "attributes" in call.query:
        names = [name.strip() for name in call.query["attributes"].split(",") if name.strip()]
        if not all(map(is_attribute_name, names)):
            raise BadInput({"attributes": [Text("attributes.names")]})
    else:
        names = call.services.labels.read(ATTRIBUTE, MOST_ATTRIBUTES + 1)
    if len(names) > MOST_ATTRIBUTES:
        raise BadInput({"attributes": [Text("attributes.too_many_columns", most=MOST_ATTRIBUTES)]})
    return list(dict.fromkeys(names))


def _flat(client: Client) -> dict[str, object]:
    attributes = {f"{ATTRIBUTE_COLUMN}{compose(name)}": value for name, value in client.attributes.items()}
    return {**represent_client(client), **attributes}


def _cells(fields: object, columns: Sequence[str]) -> list[object]:
    assert isinstance(fields, dict)
    return [fields.get(column) for column in columns]


def _unescaped(cells: Mapping[str, str]) -> dict[str, str]:
    """The values as an import reads them, so that the export does not escape a formula twice."""
    return {name: unescape_formula(cell) for name, cell in cells.items()}


def _reason(row: RefusedRow) -> str:
    return "; ".join(f"{field}: {' '.join(texts)}" for field, texts in shown_errors(row.errors).items())


def _part(
    call: Call,
    name: str,
    columns: Sequence[str],
    read: ReadRows,
    beginning: Position,
    has_time: HasTime,
    parameters: Mapping[str, str] = NO_PARAMETERS,
    highest: int = MAX_POSITION,
) -> Response:
    """`parameters`: added to the query of this part in the URL of the next one. `highest`: number of a position."""
    page = read_page(call.query, len(beginning), default=MOST_ROWS, most=MOST_ROWS, highest=highest)
    text, next_position = _read_part(page, read, beginning, has_time)
    head = [columns] if page.position is None else []
    response = csv_file(name, head, text)
    if following := next_url(call.url, {**call.query, **parameters}, page, next_position):
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


def csv_file(name: str, head: Sequence[Sequence[str]], rest: str = "") -> Response:
    """A download. `head`: the row of column names, if this is the beginning; `rest`: the rows as CSV."""
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response((BOM + write_rows(head) if head else "") + rest, headers=dict(headers))


def _time_of_part(call: Call) -> HasTime:
    return time_limit(call.services.clock.now, TIME_LIMIT)


def _read_part(page: Page, read: ReadRows, beginning: Position, has_time: HasTime) -> tuple[str, Position | None]:
    """Reads pages until a limit of rows, bytes or time is reached. Returns the CSV text and the next position."""
    position: Position | None = page.position or beginning
    parts: list[str] = []
    rows, room = 0, SIZE_LIMIT
    while position is not None and rows < page.limit and room > 0 and has_time():
        found, position = _read_fitting(read, position, min(PAGE_ROWS, page.limit - rows), room)
        parts.append(write_rows(found))
        rows += len(found)
        room -= text_size(parts[-1])
    return "".join(parts), position


def _read_fitting(read: ReadRows, position: Position, limit: int, room: int) -> tuple[Rows, Position | None]:
    found, following = read_fitting(lambda most: read(position, most), limit, _size, room)
    return found, None if following is None else tuple(following)


def _size(rows: Rows) -> int:
    return text_size(write_rows(rows))
