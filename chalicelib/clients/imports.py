"""Start imports of CSV files, and read their progress and refused rows. `import_worker.py` processes the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.audit_record import Author
from ..domain.client_import import RUNNING, ClientImport, RefusedRow
from ..domain.csv_file import FileFormat
from ..domain.format_detection import HEAD_SIZE, read_format
from ..domain.jobs import ImportClients
from ..domain.unicode_text import compose
from ..domain.walk import LIST_SECONDS, HasTime, time_limit, walk_down
from ..errors import BadInput, FileGone, NotFound, RowChanged, TooLarge
from ..logs import add_log_keys
from ..texts import Text
from .import_columns import COLUMNS, NONE_CHOSEN, Chosen

if TYPE_CHECKING:
    from ..adapters.services import Services

IMPORT_ID = "import_id"
MAX_FILE_SIZE = 2 * 1024**3
"""Bytes."""

MAX_NAME = 255
MAX_KEY = 1024
"""Bytes of a key in S3."""


def new_import_id(services: Services) -> int:
    return services.counters.next_id(IMPORT_ID)


def check_content(content: bytes, file_name: str, chosen: Chosen = NONE_CHOSEN) -> FileFormat:
    """The format of the file. Raises BadInput."""
    _check_name(file_name)
    return read_format(content, True, COLUMNS, chosen)


def import_content(
    services: Services, content: bytes, form: FileFormat, file_name: str, author: Author, import_id: int | None = None
) -> ClientImport:
    """Store the file and queue its import.

    `import_id`: the id that an earlier try of the same request reserved. That try may have made the import.
    """
    import_id = import_id or new_import_id(services)
    key = f"imports/{import_id}.csv"
    version = services.import_files.put(key, content)
    now = services.clock.now()
    client_import = ClientImport(import_id, key, version, file_name, form, now, now, form.start, author=author.name)
    return _begin(services, client_import, author)


def import_file(
    services: Services, key: str, file_name: str, author: Author, chosen: Chosen = NONE_CHOSEN
) -> ClientImport:
    """Queue the import of a file in the bucket. Raises BadInput, NotFound, TooLarge."""
    file_name = compose(file_name)
    _check_name(file_name)
    if not _is_key(key):
        raise NotFound(Text("file.not_in_the_bucket"))
    try:
        piece = services.import_files.read(key, 0, HEAD_SIZE)
    except FileGone as error:
        raise NotFound(Text("file.not_in_the_bucket")) from error
    if piece is None:
        raise BadInput.of_request(Text("file.empty"))
    if piece.size > MAX_FILE_SIZE:
        raise TooLarge(Text("file.too_large_for_an_import", most=MAX_FILE_SIZE // 1024**3))
    form = read_format(piece.content, piece.size <= HEAD_SIZE, COLUMNS, chosen)
    now = services.clock.now()
    client_import = ClientImport(
        new_import_id(services), key, piece.version, file_name, form, now, now, form.start, author=author.name
    )
    return _begin(services, client_import, author)


def get_import(services: Services, import_id: int) -> ClientImport:
    found = services.imports.get(import_id)
    if found is None:
        raise NotFound
    return found


def list_imports(
    services: Services, before_id: int | None, limit: int, has_time: HasTime | None = None
) -> tuple[list[ClientImport], int | None]:
    """A page, the newest first, and the `before_id` of the next page; None at the end.

    Without time the page is short. `has_time`: by default six seconds.
    """
    has_time = has_time or time_limit(services.clock.now, LIST_SECONDS)
    below = services.counters.last_id(IMPORT_ID) + 1 if before_id is None else before_id
    found, next_below = walk_down(services.imports.get_many, below, limit, has_time)
    return [client_import for _, client_import in found], next_below


def list_refused(services: Services, import_id: int, after: int, limit: int) -> tuple[list[RefusedRow], int | None]:
    """A page in the order of the file, and the `after` of the next page; None at the end."""
    rows = services.imports.refused(import_id, after, limit + 1)
    return rows[:limit], rows[limit - 1].number if len(rows) > limit else None


def _begin(services: Services, client_import: ClientImport, author: Author) -> ClientImport:
    """Write the row, then queue the job. If the job is lost, the sweep queues it again."""
    after = {"id": client_import.id, "file_name": client_import.file_name}
    try:
        services.imports.add(client_import, author.record("import", client_import.id, None, after))
    except RowChanged:  # an earlier try of the same request made the import
        known = services.imports.get(client_import.id)
        if known is None:
            raise
        client_import = known
    add_log_keys(import_id=client_import.id)
    if client_import.status == RUNNING:
        services.imports_queue.send([ImportClients(client_import.id)])
    return client_import


def _check_name(file_name: str) -> None:
    if len(file_name) > MAX_NAME or not file_name.isprintable():
        raise BadInput({"file_name": [Text("file.name", most=MAX_NAME)]})


def _is_key(key: str) -> bool:
    """Whether S3 can have a file with this key. JSON can have half of a character, which has no bytes."""
    try:
        return 0 < len(key.encode()) <= MAX_KEY
    except UnicodeEncodeError:
        return False
