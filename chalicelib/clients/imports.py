"""Start imports of CSV files, and read their progress and refused rows. `import_worker.py` processes the files."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from ..adapters.newest import list_newest
from ..domain.audit_record import Author
from ..domain.client_import import CLIENTS, RUNNING, ClientImport, KeptClient, RefusedRow
from ..domain.csv_file import FileFormat
from ..domain.format_detection import HEAD_SIZE, is_workbook, read_format
from ..domain.jobs import ImportClients
from ..domain.unicode_text import compose
from ..domain.walk import HasTime
from ..errors import BadInput, FileGone, NotFound, NotInThisStatus, RowChanged, TooLarge
from ..logs import add_log_keys
from ..texts import Text
from .import_columns import COLUMNS_BY_KIND, NONE_CHOSEN, Chosen, check_name
from .import_reading import open_file

if TYPE_CHECKING:
    from ..adapters.files import Piece
    from ..adapters.services import Services

IMPORT_ID = "import_id"
MAX_FILE_SIZE = 2 * 1024**3
"""Bytes."""

MAX_KEY = 1024
"""Bytes of a key in S3."""


@dataclass(frozen=True)
class StoredFile:
    """A file in the bucket. `version`: that of its content."""

    key: str
    version: str
    name: str
    form: FileFormat
    kind: str


def new_import_id(services: Services) -> int:
    return services.counters.next_id(IMPORT_ID)


def check_content(content: bytes, file_name: str, chosen: Chosen = NONE_CHOSEN, kind: str = CLIENTS) -> FileFormat:
    """The format of the file. Raises BadInput."""
    check_name(file_name)
    if is_workbook(content):
        from ..adapters.spreadsheet import read_workbook_format  # slow to load

        return read_workbook_format(BytesIO(content), COLUMNS_BY_KIND[kind], chosen)
    return read_format(content, True, COLUMNS_BY_KIND[kind], chosen)


def import_content(
    services: Services,
    content: bytes,
    form: FileFormat,
    file_name: str,
    author: Author,
    import_id: int | None = None,
    *,
    is_dry_run: bool = False,
    kind: str = CLIENTS,
) -> ClientImport:
    """Store the file and queue its import.

    `import_id`: the id that an earlier try of the same request reserved. That try may have made the import.
    """
    import_id = import_id or new_import_id(services)
    key = f"imports/{import_id}.csv"
    version = services.import_files.put(key, content)
    return _begin(services, import_id, StoredFile(key, version, file_name, form, kind), author, is_dry_run)


def import_file(
    services: Services,
    key: str,
    file_name: str,
    author: Author,
    chosen: Chosen = NONE_CHOSEN,
    *,
    is_dry_run: bool = False,
    kind: str = CLIENTS,
) -> ClientImport:
    """Queue the import of a file in the bucket. Raises BadInput, NotFound, TooLarge."""
    file_name = compose(file_name)
    check_name(file_name)
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
    form = _format_of(services, key, piece, chosen, kind)
    file = StoredFile(key, piece.version, file_name, form, kind)
    return _begin(services, new_import_id(services), file, author, is_dry_run)


def _format_of(services: Services, key: str, piece: Piece, chosen: Chosen, kind: str) -> FileFormat:
    """`piece`: the beginning of the file."""
    if is_workbook(piece.content):
        from ..adapters.spreadsheet import read_workbook_format  # slow to load

        return read_workbook_format(open_file(services.import_files, key, piece.version), COLUMNS_BY_KIND[kind], chosen)
    return read_format(piece.content, piece.size <= HEAD_SIZE, COLUMNS_BY_KIND[kind], chosen)


def start_checked(services: Services, import_id: int, author: Author, new_id: int | None = None) -> ClientImport:
    """Import the file of a dry run that has ended. Raises NotFound, NotInThisStatus.

    `new_id`: the id that an earlier try of the same request reserved.
    """
    checked = get_import(services, import_id)
    if not checked.is_dry_run or checked.status == RUNNING:
        raise NotInThisStatus(Text("import.not_a_dry_run"))
    file = StoredFile(checked.key, checked.version, checked.file_name, checked.form, checked.kind)
    return _begin(services, new_id or new_import_id(services), file, author)


def get_import(services: Services, import_id: int) -> ClientImport:
    found = services.imports.get(import_id)
    if found is None:
        raise NotFound
    return found


def list_imports(
    services: Services, before_id: int | None, limit: int, has_time: HasTime | None = None
) -> tuple[list[ClientImport], int | None]:
    return list_newest(services, IMPORT_ID, services.imports.get_many, before_id, limit, has_time)


def list_refused(services: Services, import_id: int, after: int, limit: int) -> tuple[list[RefusedRow], int | None]:
    """A page in the order of the file, and the `after` of the next page; None at the end."""
    rows = services.imports.refused(import_id, after, limit + 1)
    return rows[:limit], rows[limit - 1].number if len(rows) > limit else None


def list_kept(services: Services, import_id: int, after: int, limit: int) -> tuple[list[KeptClient], int | None]:
    """A page of the clients that the undo has left, by id, and the `after` of the next page; None at the end."""
    clients = services.imports.kept(import_id, after, limit + 1)
    return clients[:limit], clients[limit - 1].id if len(clients) > limit else None


def _begin(
    services: Services, import_id: int, file: StoredFile, author: Author, is_dry_run: bool = False
) -> ClientImport:
    """Write the row, then queue the job. If the job is lost, the sweep queues it again."""
    now = services.clock.now()
    client_import = ClientImport(
        import_id,
        file.key,
        file.version,
        file.name,
        file.form,
        created_at=now,
        moved_at=now,
        offset=file.form.start,
        row=file.form.start if file.form.is_workbook else 1,
        author=author.name,
        is_dry_run=is_dry_run,
        kind=file.kind,
        is_traced=file.kind == CLIENTS and not is_dry_run,
    )
    after: dict[str, object] = {"id": import_id, "file_name": file.name}
    if is_dry_run:
        after["dry_run"] = True
    if file.kind != CLIENTS:
        after["kind"] = file.kind
    try:
        services.imports.add(client_import, author.record("import", client_import.id, None, after))
    except RowChanged:  # an earlier try of the same request made the import
        known = services.imports.get(client_import.id)
        if known is None:
            raise
        client_import = known
    add_log_keys(import_id=client_import.id)
    if client_import.status == RUNNING:
        queue_import(services, client_import)
    return client_import


def queue_import(services: Services, client_import: ClientImport) -> None:
    services.imports_queue.send([ImportClients(client_import.id)])


def _is_key(key: str) -> bool:
    """Whether S3 can have a file with this key. JSON can have half of a character, which has no bytes."""
    try:
        return 0 < len(key.encode()) <= MAX_KEY
    except UnicodeEncodeError:
        return False
