"""Pages of imports: a file goes up, and how far it is comes back."""

from __future__ import annotations

from typing import Any

from chalice.app import Response

from ..clients import imports
from ..domain.client_import import RUNNING
from ..http.bodies import read_file
from ..http.calls import raw_body, read_id
from ..http.paging import answer_page, read_page
from .visits import Visit

LIST_LENGTH = 20
REFUSED_LENGTH = 50


def list_(visit: Visit) -> Response:
    page = read_page(visit.query, numbers=1, default=LIST_LENGTH)
    found, below = imports.list_imports(visit.outside, page.place[0] if page.place else None, page.limit)
    listed = answer_page(visit.prefix + visit.path, {}, page, None if below is None else (below,), [])
    return visit.page("imports.html", imports=found, next=listed["next"])


def create(visit: Visit) -> Response:
    """The script of the page sends the file as it is, and follows this answer's `Location`."""
    content = read_file(raw_body(visit.request), visit.request.headers.get("content-type"))
    file_name = visit.query.get("file_name", "")
    form = imports.check_content(content, file_name)
    made = imports.take_content(visit.outside, content, form, file_name, visit.author)
    location = f"{visit.prefix}/console/imports/{made.id}?done=imported"
    return Response("", status_code=201, headers={"Location": location})


def read(visit: Visit, sent_id: str) -> Response:
    """The whole page, or, with `?live=1`, the part of it that changes while the file is read."""
    one = imports.get_import(visit.outside, read_id(sent_id))
    state: dict[str, Any] = {"one": one, "is_live": one.status == RUNNING}
    if visit.query.get("live"):
        return visit.page("import_live.html", **state)
    page = read_page(visit.query, numbers=1, default=REFUSED_LENGTH)
    rows, after = imports.list_refused(visit.outside, one.id, page.place[0] if page.place else 0, page.limit)
    listed = answer_page(visit.prefix + visit.path, {}, page, None if after is None else (after,), [])
    return visit.page("import.html", **state, refused=rows, next=listed["next"], done=visit.query.get("done"))
