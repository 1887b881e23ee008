"""Files that a person uploads: clients, after the question what the columns mean, and the stop list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalice.app import Response

from ..clients import imports
from ..clients.import_columns import COLUMNS, IGNORED_COLUMNS, NONE_CHOSEN, Chosen, Outline, look_at
from ..clients.uploads import keep_upload, read_upload
from ..domain.client_import import ATTRIBUTE_COLUMN, CLIENTS, STOP_LIST
from ..errors import BadInput, FieldErrors
from ..http.bodies import FILE_LIMIT
from ..http.file_forms import SentFile
from ..texts import Text
from .imports import list_ as list_imports
from .page_requests import PageRequest
from .restricted_pages import for_writers
from .stop_list import show_import as show_stop_import

FILE = "file"
"""The field of a form with a file."""

ATTRIBUTES_SHOWN = 50
MEANINGS = [name for name in COLUMNS.known if name not in IGNORED_COLUMNS]


@dataclass(frozen=True)
class AskedColumn:
    """A column of a file, with its first cells.

    `known`: what its name means, also as that of an attribute in use; blank if nothing. `meaning`: what is chosen,
    blank if the column is left out. `attributes`: those that it may become.
    """

    name: str
    known: str
    meaning: str
    attributes: list[str]
    cells: list[str]


def upload(request: PageRequest) -> Response:
    """Keep a file of clients until a person has said what its columns mean."""
    try:
        file = request.file(FILE)
        look_at(file.content, file.name)
    except BadInput as refusal:
        return list_imports(request, refusal.status_code, _problems(refusal))
    upload_id = keep_upload(request.services, file.content)
    return request.redirect(f"/console/imports/uploads/{upload_id}", file_name=file.name)


@for_writers
def ask_columns(request: PageRequest, upload_id: str) -> Response:
    return _columns_page(request, _uploaded(request, upload_id))


def import_upload(request: PageRequest, upload_id: str) -> Response:
    file = _uploaded(request, upload_id)
    names = look_at(file.content, file.name).names
    chosen = {name: request.field(f"meaning-{number}") for number, name in enumerate(names)}
    try:
        return _import(request, file, CLIENTS, chosen, is_dry_run=request.field("dry_run") == "true")
    except BadInput as refusal:
        return _columns_page(request, file, refusal.status_code, chosen, refusal.errors)


def import_stops(request: PageRequest) -> Response:
    """Import a file of the stop list. The names of its columns say what they mean."""
    try:
        return _import(request, request.file(FILE), STOP_LIST, NONE_CHOSEN, is_dry_run=False)
    except BadInput as refusal:
        return show_stop_import(request, refusal.status_code, _problems(refusal))


def _import(request: PageRequest, file: SentFile, kind: str, chosen: Chosen, is_dry_run: bool) -> Response:
    form = imports.check_content(file.content, file.name, chosen, kind)
    client_import = imports.import_content(
        request.services, file.content, form, file.name, request.author, is_dry_run=is_dry_run, kind=kind
    )
    done = "checking" if is_dry_run else "imported"
    return request.redirect(f"/console/imports/{client_import.id}", done=done)


def _problems(refusal: BadInput) -> list[Text]:
    return [text for texts in refusal.errors.values() for text in texts]


def _uploaded(request: PageRequest, upload_id: str) -> SentFile:
    return SentFile(request.query.get("file_name", ""), read_upload(request.services, upload_id, FILE_LIMIT))


def _columns_page(
    request: PageRequest,
    file: SentFile,
    status_code: int = 200,
    chosen: Chosen = NONE_CHOSEN,
    errors: FieldErrors | None = None,
) -> Response:
    """`chosen`: what a person has said of the columns, in place of what their names mean."""
    outline = look_at(file.content, file.name)
    used = [f"{ATTRIBUTE_COLUMN}{name}" for name in request.services.labels.read("attribute", ATTRIBUTES_SHOWN)]
    columns = list(_columns(outline, chosen, used))
    return request.page(
        "import_columns.html",
        status_code,
        file_name=file.name,
        columns=columns,
        left_out=[column.name for column in columns if not column.meaning],
        gives_stops=outline.gives_stops,
        meanings=MEANINGS,
        errors=errors or {},
    )


def _columns(outline: Outline, chosen: Chosen, used: list[str]) -> Iterator[AskedColumn]:
    """`used`: the attributes in use."""
    for number, (name, meaning, suggested) in enumerate(
        zip(outline.names, outline.meanings, outline.suggestions, strict=True)
    ):
        known = meaning or (suggested if suggested in used else "")
        known = "" if known in IGNORED_COLUMNS else known
        own = [one for one in (known, suggested) if one and one.startswith(ATTRIBUTE_COLUMN)]
        cells = [row[number] for row in outline.rows if len(row) > number and row[number]]
        yield AskedColumn(name, known, chosen.get(name, known), list(dict.fromkeys([*own, *used])), cells)
