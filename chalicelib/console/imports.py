"""Pages of imports: the upload of a file, the meaning of its columns, and the progress of each import."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalice.app import Response

from ..clients import imports
from ..clients.import_columns import COLUMNS, IGNORED_COLUMNS, TEMPLATE_NAMES, look_at, read_chosen
from ..clients.import_undo import begin_undo
from ..domain.client_import import ATTRIBUTE_COLUMN, CLIENTS, OPEN
from ..http.bodies import read_file
from ..http.calls import raw_body, read_id
from ..http.exports import csv_file
from ..http.paging import position_at
from ..http.phones import cells_shown
from ..http.queries import read_flag
from .page_requests import PageRequest
from .restricted_pages import for_writers

LIST_LENGTH = 20
REFUSED_LENGTH = 50
ATTRIBUTES_SHOWN = 50
KEPT_SHOWN = 100


def list_(request: PageRequest) -> Response:
    page = request.list_page(numbers=1, length=LIST_LENGTH)
    found, next_before_id = imports.list_imports(request.services, page.number, page.limit)
    return request.page("imports.html", imports=found, next=request.next_page(page, position_at(next_before_id)))


def look(request: PageRequest) -> Response:
    """The columns of a file and its first rows. files.js sends the file as the body; nothing is kept."""
    outline = look_at(_file(request), request.query.get("file_name", ""))
    used = [f"{ATTRIBUTE_COLUMN}{name}" for name in request.services.labels.read("attribute", ATTRIBUTES_SHOWN)]

    def choices(meaning: str | None, suggested: str | None) -> list[str]:
        """The attributes that the column may become: its own, then those in use."""
        own = [name for name in (meaning, suggested) if name and name.startswith(ATTRIBUTE_COLUMN)]
        return list(dict.fromkeys([*own, *used]))

    known = [name for name in COLUMNS.known if name not in IGNORED_COLUMNS]
    return request.page("import_columns.html", outline=outline, known=known, choices=choices)


def create(request: PageRequest, kind: str = CLIENTS) -> Response:
    """Called by files.js, which sends the file as the body and follows the `Location` of the answer."""
    content, file_name = _file(request), request.query.get("file_name", "")
    is_dry_run = read_flag(request.query, "dry_run")
    form = imports.check_content(content, file_name, read_chosen(request.query.get("columns")), kind)
    client_import = imports.import_content(
        request.services, content, form, file_name, request.author, is_dry_run=is_dry_run, kind=kind
    )
    location = f"{request.prefix}/console/imports/{client_import.id}?done={'checking' if is_dry_run else 'imported'}"
    return Response("", status_code=201, headers={"Location": location})


def start(request: PageRequest, sent_id: str) -> Response:
    """Import the file of a dry run."""
    client_import = imports.start_checked(request.services, read_id(sent_id), request.author)
    return request.redirect(f"/console/imports/{client_import.id}", done="imported")


@for_writers
def confirm_undo(request: PageRequest, sent_id: str) -> Response:
    """The page that asks for confirmation."""
    return request.page("import_undo.html", client_import=imports.get_import(request.services, read_id(sent_id)))


def undo(request: PageRequest, sent_id: str) -> Response:
    client_import = begin_undo(request.services, read_id(sent_id), request.author)
    return request.redirect(f"/console/imports/{client_import.id}", done="undo")


def template(request: PageRequest) -> Response:
    return csv_file("clients.csv", [TEMPLATE_NAMES[request.language]])


def _file(request: PageRequest) -> bytes:
    return read_file(raw_body(request.raw_request), request.raw_request.headers.get("content-type"))


def read(request: PageRequest, sent_id: str) -> Response:
    """The page of an import; with `?live=1` only the section that changes while the import runs."""
    client_import = imports.get_import(request.services, read_id(sent_id))
    state: dict[str, Any] = {
        "client_import": client_import,
        "is_live": client_import.status in OPEN,
        "may_undo": client_import.may_be_undone(request.services.clock.now()),
    }
    if request.query.get("live"):
        return request.page("import_live.html", **state)
    page = request.list_page(numbers=1, length=REFUSED_LENGTH)
    rows, last_row = imports.list_refused(request.services, client_import.id, page.number or 0, page.limit)
    rows = [replace(row, cells=cells_shown(request.principal, client_import.form, row)) for row in rows]
    following = request.next_page(page, position_at(last_row))
    kept = imports.list_kept(request.services, client_import.id, 0, KEPT_SHOWN)[0] if client_import.undo else []
    return request.page("import.html", **state, refused=rows, kept=kept, next=following, done=request.query.get("done"))
