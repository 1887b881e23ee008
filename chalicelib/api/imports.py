"""Clients by the file, over HTTP: the file comes in, and how far it is goes out."""

from __future__ import annotations

from chalice.app import Response

from .. import imports
from ..imports import shown, shown_refused
from .calls import Call
from .once import answer_once
from .paging import answer_page, read_page


def list_(call: Call) -> Response:
    page = read_page(call.query, numbers=1)
    found, below = imports.list_imports(call.outside, page.place[0] if page.place else None, page.limit)
    place = None if below is None else (below,)
    return Response(answer_page(call.url, call.query, page, place, [shown(one) for one in found]))


def create(call: Call) -> Response:
    """All that can be wrong with the file as a whole is said here, before anything is written."""
    content, file_name = call.file(), call.query.get("file_name", "")
    form = imports.check_content(content, file_name)

    def take(reserved_id: int | None) -> Response:
        made = imports.take_content(call.outside, content, form, file_name, call.author, reserved_id)
        return Response(shown(made), status_code=202)

    sent = file_name.encode() + b"\n" + content
    return answer_once(call, take, lambda: imports.new_import_id(call.outside), sent)


def read(call: Call, import_id: int) -> Response:
    """The import, and a page of the rows that it refused."""
    page = read_page(call.query, numbers=1)
    one = imports.get_import(call.outside, import_id)
    rows, after = imports.list_refused(call.outside, import_id, page.place[0] if page.place else 0, page.limit)
    place = None if after is None else (after,)
    listed = answer_page(call.url, call.query, page, place, [shown_refused(row) for row in rows])
    return Response({**shown(one), **listed})
