"""Pages of imports: the upload of a CSV file, and the progress of each import."""

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
    before_id = page.position[0] if page.position else None
    found, next_before_id = imports.list_imports(request.services, before_id, page.limit)
    next_position = None if next_before_id is None else (next_before_id,)
    listed = answer_page(request.prefix + request.path, {}, page, next_position, [])
    return request.page("imports.html", imports=found, next=listed["next"])


def create(request: PageRequest) -> Response:
    """Called by files.js, which sends the file as the body and follows the `Location` of the answer."""
    content = read_file(raw_body(request.raw_request), request.raw_request.headers.get("content-type"))
    file_name = request.query.get("file_name", "")
    form = imports.check_content(content, file_name)
    client_import = imports.import_content(request.services, content, form, file_name, request.author)
    location = f"{request.prefix}/console/imports/{client_import.id}?done=imported"
    return Response("", status_code=201, headers={"Location": location})


def read(request: PageRequest, sent_id: str) -> Response:
    """The page of an import; with `?live=1` only the section that changes while the import runs."""
    client_import = imports.get_import(request.services, read_id(sent_id))
    state: dict[str, Any] = {"client_import": client_import, "is_live": client_import.status == RUNNING}
    if request.query.get("live"):
        return request.page("import_live.html", **state)
    page = read_page(request.query, numbers=1, default=REFUSED_LENGTH)
    after = page.position[0] if page.position else 0
    rows, last_row = imports.list_refused(request.services, client_import.id, after, page.limit)
    next_position = None if last_row is None else (last_row,)
    listed = answer_page(request.prefix + request.path, {}, page, next_position, [])
    return request.page("import.html", **state, refused=rows, next=listed["next"], done=request.query.get("done"))
