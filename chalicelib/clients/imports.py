"""Take in files of clients, and say how far they are. `importing.py` works them off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.audit_record import Author
from ..domain.client_import import ATTRIBUTE_COLUMN, RUNNING, ClientImport, RefusedRow, is_attribute_column
from ..domain.csv_file import HEAD_SIZE, Columns, FileFormat, read_format
from ..domain.jobs import ImportClients
from ..domain.walk import walk_down
from ..errors import BadInput, FileGone, NotFound, RowChanged, TooLarge
from ..fields import CLIENT, CLIENT_READ_ONLY
from ..logs import add_log_keys
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services

IMPORT_ID = "import_id"
REASON = "reason"
"""The column that refused rows are given back with: left in the file when they are sent again."""

IGNORED = CLIENT_READ_ONLY | {REASON}
COLUMNS = Columns(
    known=[*(name for name in CLIENT if name != "attributes"), *sorted(IGNORED)],
    required=[name for name, field in CLIENT.items() if field.required],
    is_extra=is_attribute_column,
    example=f"{ATTRIBUTE_COLUMN}name",
)
MAX_FILE = 2 * 1024**3
MAX_NAME = 255


def new_import_id(services: Services) -> int:
    return services.counters.next_id(IMPORT_ID)


def check_content(content: bytes, file_name: str) -> FileFormat:
    """How the file is to be read. Raises BadInput."""
    _check_name(file_name)
    return read_format(content[:HEAD_SIZE], len(content) <= HEAD_SIZE, COLUMNS)


def take_content(
    services: Services, content: bytes, form: FileFormat, file_name: str, author: Author, import_id: int | None = None
) -> ClientImport:
    """Keep the file, and queue the work.

    `import_id`: reserved before, by an earlier try of the same request, which may have made the import.
    """
    made_id = import_id or new_import_id(services)
    key = f"imports/{made_id}.csv"
    version = services.import_files.put(key, content)
    now = services.clock.now()
    made = ClientImport(made_id, key, version, file_name, form, now, now, form.start)
    return _begin(services, made, author)


def take_file(services: Services, key: str, file_name: str, author: Author) -> ClientImport:
    """A file that is in the bucket already. Raises BadInput, NotFound, TooLarge."""
    _check_name(file_name)
    try:
        piece = services.import_files.read(key, 0, HEAD_SIZE)
    except FileGone as error:
        raise NotFound(Text("file.not_in_the_bucket")) from error
    if piece is None:
        raise BadInput.of_request(Text("file.empty"))
    if piece.size > MAX_FILE:
        raise TooLarge(Text("file.too_large_for_an_import", most=MAX_FILE // 1024**3))
    form = read_format(piece.content, piece.size <= HEAD_SIZE, COLUMNS)
    now = services.clock.now()
    made = ClientImport(new_import_id(services), key, piece.version, file_name, form, now, now, form.start)
    return _begin(services, made, author)


def get_import(services: Services, import_id: int) -> ClientImport:
    found = services.imports.get(import_id)
    if found is None:
        raise NotFound
    return found


def list_imports(services: Services, before_id: int | None, limit: int) -> tuple[list[ClientImport], int | None]:
    """A page, the newest first, and the id that the next page goes on below (None at the end)."""
    below = services.counters.last_id(IMPORT_ID) + 1 if before_id is None else before_id
    found, rest = walk_down(services.imports.get_many, below, limit)
    return [one for _, one in found], rest


def list_refused(services: Services, import_id: int, after: int, limit: int) -> tuple[list[RefusedRow], int | None]:
    """A page in the order of the file, and the row that the next one goes on after (None at the end)."""
    rows = services.imports.refused(import_id, after, limit + 1)
    return rows[:limit], rows[limit - 1].number if len(rows) > limit else None


def _begin(services: Services, made: ClientImport, author: Author) -> ClientImport:
    """First the row, then the job; if the job is lost, the sweep finds the row."""
    try:
        services.imports.add(made, author.record("import", made.id, None, {"id": made.id, "file_name": made.file_name}))
    except RowChanged:
        known = services.imports.get(made.id)
        if known is None:
            raise
        made = known
    add_log_keys(import_id=made.id)
    if made.status == RUNNING:
        services.imports_queue.send([ImportClients(made.id)])
    return made


def _check_name(file_name: str) -> None:
    if len(file_name) > MAX_NAME or not file_name.isprintable():
        raise BadInput({"file_name": [Text("file.name", most=MAX_NAME)]})
