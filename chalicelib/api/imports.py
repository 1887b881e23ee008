"""`/Clients/import/`: upload a CSV file of clients, and read the progress of imports."""

from __future__ import annotations

from chalice.app import Response

from ..clients import imports
from ..http.calls import Call
from ..http.paging import answer_page, read_page
from ..representation import represent_import, represent_refused_row
from .idempotency import answer_idempotently


def list_(call: Call) -> Response:
    page = read_page(call.query, numbers=1)
    before_id = page.position[0] if page.position else None
    found, next_before_id = imports.list_imports(call.services, before_id, page.limit)
    next_position = None if next_before_id is None else (next_before_id,)
    results = [represent_import(client_import) for client_import in found]
    return Response(answer_page(call.url, call.query, page, next_position, results))


def create(call: Call) -> Response:
    """Refuses a file that cannot be imported before anything is written."""
    content, file_name = call.file(), call.query.get("file_name", "")
    form = imports.check_content(content, file_name)

    def start(reserved_id: int | None) -> Response:
        client_import = imports.import_content(call.services, content, form, file_name, call.author, reserved_id)
        return Response(represent_import(client_import), status_code=202)

    named_content = file_name.encode() + b"\n" + content
    return answer_idempotently(call, start, lambda: imports.new_import_id(call.services), named_content)


def read(call: Call, import_id: int) -> Response:
    """The import with a page of its refused rows."""
    page = read_page(call.query, numbers=1)
    client_import = imports.get_import(call.services, import_id)
    after = page.position[0] if page.position else 0
    rows, last_row = imports.list_refused(call.services, import_id, after, page.limit)
    next_position = None if last_row is None else (last_row,)
    refused = answer_page(call.url, call.query, page, next_position, [represent_refused_row(row) for row in rows])
    return Response({**represent_import(client_import), **refused})
