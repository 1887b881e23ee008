"""Pages of imports: the list, and the progress of each import. `uploads.py` takes their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chalice.app import Response

from ..clients import imports
from ..clients.import_columns import TEMPLATE_NAMES
from ..clients.import_undo import begin_undo
from ..domain.client_import import OPEN
from ..http.calls import read_id
from ..http.exports import csv_file
from ..http.file_forms import TOO_LARGE
from ..http.paging import position_at
from ..http.phones import cells_shown
from ..texts import Text
from .page_requests import PageRequest
from .restricted_pages import for_writers

LIST_LENGTH = 20
REFUSED_LENGTH = 50
KEPT_SHOWN = 100


def list_(request: PageRequest, status_code: int = 200, problems: Sequence[Text] = ()) -> Response:
    """`problems`: of the file that was just uploaded."""
    page = request.list_page(numbers=1, length=LIST_LENGTH)
    found, next_before_id = imports.list_imports(request.services, page.number, page.limit)
    following = request.next_page(page, position_at(next_before_id))
    shown: dict[str, Any] = {"imports": found, "next": following, "too_large": TOO_LARGE, "problems": problems}
    return request.page("imports.html", status_code, **shown)


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
