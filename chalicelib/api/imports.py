"""Clients by the file, over HTTP: the file comes in, and how far it is goes out."""

from __future__ import annotations

from chalice.app import Response

from ..clients import imports
from ..http.calls import Call
from ..http.paging import answer_page, read_page
from ..representation import represent_import, represent_refused_row
from .idempotency import answer_idempotently


def list_(call: Call) -> Response:
    page = read_page(call.query, numbers=1)
    found, below = imports.list_imports(call.services, page.place[0] if page.place else None, page.limit)
    place = None if below is None else (below,)
    return Response(answer_page(call.url, call.query, page, place, [represent_import(one) for one in found]))


def create(call: Call) -> Response:
    """All that can be wrong with the file as a whole is said here, before anything is written."""
    content, file_name = call.file(), call.query.get("file_name", "")
    form = imports.check_content(content, file_name)

    def take(reserved_id: int | None) -> Response:
        made = imports.take_content(call.services, content, form, file_name, call.author, reserved_id)
        return Response(represent_import(made), status_code=202)

    sent = file_name.encode() + b"\n" + content
    return answer_idempotently(call, take, lambda: imports.new_import_id(call.services), sent)


def read(call: Call, import_id: int) -> Response:
    """The import, and a page of the rows that it refused."""
    page = read_page(call.query, numbers=1)
    one = imports.get_import(call.services, import_id)
    rows, after = imports.list_refused(call.services, import_id, page.place[0] if page.place else 0, page.limit)
    place = None if after is None else (after,)
    listed = answer_page(call.url, call.query, page, place, [represent_refused_row(row) for row in rows])
    return Response({**represent_import(one), **listed})
