"""`/Clients/import/`: upload a CSV file of clients, and read the progress of imports."""

from __future__ import annotations

from chalice.app import Response

from ..clients import imports
from ..clients.import_columns import read_chosen
from ..clients.import_undo import begin_undo
from ..domain.client_import import CLIENTS, ClientImport
from ..http.calls import Call
from ..http.paging import Listed, answer_page, position_at, read_page
from ..http.queries import read_flag
from ..representation import represent_import, represent_kept, represent_refused_row
from .idempotency import answer_idempotently, take_step


def list_(call: Call) -> Response:
    page, has_time = read_page(call.query, numbers=1), call.has_time

    def read(limit: int) -> Listed:
        found, next_before_id = imports.list_imports(call.services, page.number, limit, has_time)
        return [represent_import(client_import) for client_import in found], position_at(next_before_id)

    return Response(answer_page(call.url, call.query, page, read))


def create(call: Call, kind: str = CLIENTS) -> Response:
    """Refuses a file that cannot be imported before anything is written."""
    content, file_name = call.file(), call.query.get("file_name", "")
    columns, is_dry_run = call.query.get("columns", ""), read_flag(call.query, "dry_run")
    form = imports.check_content(content, file_name, read_chosen(columns), kind)

    def start(reserved_id: int | None) -> Response:
        client_import = imports.import_content(
            call.services, content, form, file_name, call.author, reserved_id, is_dry_run=is_dry_run, kind=kind
        )
        return Response(represent_import(client_import), status_code=202)

    options = [columns.encode()] * bool(columns) + [b"dry_run"] * is_dry_run
    named_content = b"\n".join([file_name.encode(), *options, content])
    return answer_idempotently(call, start, lambda: imports.new_import_id(call.services), named_content)


def start(call: Call, import_id: int) -> Response:
    """Import the file of a dry run."""

    def begin(reserved_id: int | None) -> ClientImport:
        return imports.start_checked(call.services, import_id, call.author, reserved_id)

    return take_step(call, begin, represent_import, 202, lambda: imports.new_import_id(call.services))


def undo(call: Call, import_id: int) -> Response:
    """Take back what an import did to clients."""
    return take_step(call, lambda _: begin_undo(call.services, import_id, call.author), represent_import, 202)


def kept(call: Call, import_id: int) -> Response:
    """The clients that an undo has left."""
    page = read_page(call.query, numbers=1)
    imports.get_import(call.services, import_id)

    def read_kept(limit: int) -> Listed:
        clients, last_id = imports.list_kept(call.services, import_id, page.number or 0, limit)
        return [represent_kept(client) for client in clients], position_at(last_id)

    return Response(answer_page(call.url, call.query, page, read_kept))


def read(call: Call, import_id: int) -> Response:
    """The import with a page of its refused rows."""
    page = read_page(call.query, numbers=1)
    client_import = imports.get_import(call.services, import_id)

    def read_refused(limit: int) -> Listed:
        rows, last_row = imports.list_refused(call.services, import_id, page.number or 0, limit)
        return [represent_refused_row(row) for row in rows], position_at(last_row)

    refused = answer_page(call.url, call.query, page, read_refused)
    return Response({**represent_import(client_import), **refused})
