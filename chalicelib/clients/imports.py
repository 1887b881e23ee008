"""Take in files of clients, and say how far they are. `importing.py` works them off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.client_import import ATTRIBUTE_COLUMN, RUNNING, ClientImport, RefusedRow, is_attribute_column, job_body
from ..domain.csv_file import HEAD, Columns, FileFormat, read_format
from ..domain.record import Author
from ..domain.walk import walk_down
from ..errors import BadInput, FileGone, NotFound, RowChanged, TooLarge
from ..fields import CLIENT, CLIENT_READ_ONLY
from ..logs import note

if TYPE_CHECKING:
    from ..adapters.outside import Outside

IMPORT_ID = "import_id"
REASON = "reason"
"""The column that refused rows are given back with: left in the file when they are sent again."""

IGNORED = CLIENT_READ_ONLY | {REASON}
COLUMNS = Columns(
    known=[*(name for name in CLIENT if name != "attributes"), *sorted(IGNORED)],
    required=[name for name, field in CLIENT.items() if field.required],
    is_more=is_attribute_column,
    example=f"{ATTRIBUTE_COLUMN}name",
)
MAX_FILE = 2 * 1024**3
MAX_NAME = 255


def new_import_id(outside: Outside) -> int:
    return outside.counters.next_id(IMPORT_ID)


def check_content(content: bytes, file_name: str) -> FileFormat:
    """How the file is to be read. Raises BadInput."""
    _check_name(file_name)
    return read_format(content[:HEAD], len(content) <= HEAD, COLUMNS)


def take_content(
    outside: Outside, content: bytes, form: FileFormat, file_name: str, author: Author, import_id: int | None = None
) -> ClientImport:
    """Keep the file, and queue the work.

    `import_id`: reserved before, by an earlier try of the same request, which may have made the import.
    """
    made_id = import_id or new_import_id(outside)
    key = f"imports/{made_id}.csv"
    version = outside.import_files.put(key, content)
    now = outside.clock.now()
    made = ClientImport(made_id, key, version, file_name, form, now, now, form.start)
    return _begin(outside, made, author)


def take_file(outside: Outside, key: str, file_name: str, author: Author) -> ClientImport:
    """A file that is in the bucket already. Raises BadInput, NotFound, TooLarge."""
    _check_name(file_name)
    try:
        piece = outside.import_files.read(key, 0, HEAD)
    except FileGone as error:
        raise NotFound("There is no such file in the imports bucket.") from error
    if piece is None:
        raise BadInput.whole("The file is empty.")
    if piece.size > MAX_FILE:
        raise TooLarge(f"The file is too large: at most {MAX_FILE // 1024**3} GB are expected.")
    form = read_format(piece.content, piece.size <= HEAD, COLUMNS)
    now = outside.clock.now()
    made = ClientImport(new_import_id(outside), key, piece.version, file_name, form, now, now, form.start)
    return _begin(outside, made, author)


def get_import(outside: Outside, import_id: int) -> ClientImport:
    found = outside.imports.get(import_id)
    if found is None:
        raise NotFound
    return found


def list_imports(outside: Outside, before_id: int | None, limit: int) -> tuple[list[ClientImport], int | None]:
    """A page, the newest first, and the id that the next page goes on below (None at the end)."""
    below = outside.counters.last_id(IMPORT_ID) + 1 if before_id is None else before_id
    found, rest = walk_down(outside.imports.get_many, below, limit)
    return [one for _, one in found], rest


def list_refused(outside: Outside, import_id: int, after: int, limit: int) -> tuple[list[RefusedRow], int | None]:
    """A page in the order of the file, and the row that the next one goes on after (None at the end)."""
    rows = outside.imports.refused(import_id, after, limit + 1)
    return rows[:limit], rows[limit - 1].number if len(rows) > limit else None


def _begin(outside: Outside, made: ClientImport, author: Author) -> ClientImport:
    """First the row, then the job; if the job is lost, the sweep finds the row."""
    try:
        outside.imports.add(made, author.record("import", made.id, None, {"id": made.id, "file_name": made.file_name}))
    except RowChanged:
        known = outside.imports.get(made.id)
        if known is None:
            raise
        made = known
    note(import_id=made.id)
    if made.status == RUNNING:
        outside.imports_queue.send([job_body(made.id)])
    return made


def _check_name(file_name: str) -> None:
    if len(file_name) > MAX_NAME or not file_name.isprintable():
        raise BadInput({"file_name": [f"At most {MAX_NAME} printable characters are expected."]})
