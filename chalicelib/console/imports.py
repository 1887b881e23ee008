"""Pages of imports: a file goes up, and how far it is comes back."""

from __future__ import annotations

from typing import Any

from chalice.app import Response

from ..clients import imports
from ..domain.client_import import RUNNING
from ..http.bodies import read_file
from ..http.calls import raw_body, read_id
from ..http.paging import answer_page, read_page
from .page_requests import PageRequest

LIST_LENGTH = 20
REFUSED_LENGTH = 50


def list_(request: PageRequest) -> Response:
    page = read_page(request.query, numbers=1, default=LIST_LENGTH)
    found, below = imports.list_imports(request.services, page.place[0] if page.place else None, page.limit)
    listed = answer_page(request.prefix + request.path, {}, page, None if below is None else (below,), [])
    return request.page("imports.html", imports=found, next=listed["next"])


def create(request: PageRequest) -> Response:
    """The script of the page sends the file as it is, and follows this answer's `Location`."""
    content = read_file(raw_body(request.raw_request), request.raw_request.headers.get("content-type"))
    file_name = request.query.get("file_name", "")
    form = imports.check_content(content, file_name)
    made = imports.take_content(request.services, content, form, file_name, request.author)
    location = f"{request.prefix}/console/imports/{made.id}?done=imported"
    return Response("", status_code=201, headers={"Location": location})


def read(request: PageRequest, sent_id: str) -> Response:
    """The whole page, or, with `?live=1`, the part of it that changes while the file is read."""
    one = imports.get_import(request.services, read_id(sent_id))
    state: dict[str, Any] = {"one": one, "is_live": one.status == RUNNING}
    if request.query.get("live"):
        return request.page("import_live.html", **state)
    page = read_page(request.query, numbers=1, default=REFUSED_LENGTH)
    rows, after = imports.list_refused(request.services, one.id, page.place[0] if page.place else 0, page.limit)
    listed = answer_page(request.prefix + request.path, {}, page, None if after is None else (after,), [])
    return request.page("import.html", **state, refused=rows, next=listed["next"], done=request.query.get("done"))
