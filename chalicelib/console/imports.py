"""Pages of imports: the upload of a CSV file, and the progress of each import."""

from __future__ import annotations

from typing import Any

from chalice.app import Response

from ..clients import imports
from ..domain.client_import import RUNNING
from ..http.bodies import read_file
from ..http.calls import raw_body, read_id
from ..http.paging import position_at
from .page_requests import PageRequest

LIST_LENGTH = 20
REFUSED_LENGTH = 50


def list_(request: PageRequest) -> Response:
    page = request.list_page(numbers=1, length=LIST_LENGTH)
    found, next_before_id = imports.list_imports(request.services, page.number, page.limit)
    return request.page("imports.html", imports=found, next=request.next_page(page, position_at(next_before_id)))


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
    page = request.list_page(numbers=1, length=REFUSED_LENGTH)
    rows, last_row = imports.list_refused(request.services, client_import.id, page.number or 0, page.limit)
    following = request.next_page(page, position_at(last_row))
    return request.page("import.html", **state, refused=rows, next=following, done=request.query.get("done"))
