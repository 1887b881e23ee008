"""Invoked by the imports queue, one import at a time, or by a person (`aws lambda invoke`) for a file in the bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, SQSEvent

from ..access.audit import START_IMPORT
from ..access.names import author_by_hand
from ..clients.import_columns import read_chosen
from ..clients.import_worker import run_import
from ..clients.imports import get_import, import_file, list_refused
from ..delivery.dead_letters import read_job
from ..domain.client_import import CLIENTS, KINDS, ClientImport
from ..domain.jobs import ImportClients, ReceivedMessage
from ..errors import Refusal
from ..http.paging import Listed, json_size, position_at, read_fitting
from ..representation import represent_import, represent_refused_row
from ..runtime import begin_invocation, logging_errors, seconds_left
from .payloads import is_id
from .queues import process_batch

if TYPE_CHECKING:
    from ..adapters.services import Services

worker = Blueprint(__name__)

MAX_REFUSED_ROWS = 1000
EXPECTED = (
    '{"key": "folder/clients.csv"}, optional: file_name, by, columns, dry_run, kind; or {"import": 7} is expected.'
)


@worker.on_sqs_message(queue="imports", name="import_clients", batch_size=1)
@logging_errors
def import_clients(event: SQSEvent) -> dict[str, Any]:
    services = begin_invocation(event.context)

    def work(message: ReceivedMessage) -> int | None:
        job = read_job(services, message.body, ImportClients)
        return run_import(services, job, seconds_left(event.context)) if job else None

    return process_batch(event, services.imports_queue, work)


@worker.lambda_function(name=START_IMPORT)
@logging_errors
def start_import(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{"key": "folder/clients.csv"}` starts the import of a file in the bucket. `{"import": 7}` shows its progress.

    `"by": "anna"` beside the key names the person in the audit log, `"columns": {"ФИО": "attributes.имя"}` says what
    columns mean, `"dry_run": true` only counts what the import would do,
    `"kind": "stop_list"` says that its rows are phone numbers for the stop list.

    `{"import": 7, "refused": 20}` adds the first 20 refused rows, fewer if the answer would be too large for Lambda.
    """
    services = begin_invocation(context)
    try:
        match event:
            case {"import": import_id, "refused": number, **others} if (
                is_id(import_id) and is_id(number) and 0 < number <= MAX_REFUSED_ROWS and not others
            ):
                shown = represent_import(get_import(services, import_id))
                return {**shown, "results": _first_refused(services, import_id, number)}
            case {"import": import_id, **others} if is_id(import_id) and not others:
                return represent_import(get_import(services, import_id))
            case {"key": str(key), **rest} if (
                key
                and rest.keys() <= {"file_name", "by", "columns", "dry_run", "kind"}
                and rest.get("kind", CLIENTS) in KINDS
                and isinstance(rest.get("dry_run", False), bool)
            ):
                return represent_import(_start(services, key, rest))
    except Refusal as refusal:
        return refusal.body if "detail" in refusal.body else {"detail": str(refusal)}
    return {"detail": EXPECTED}


def _start(services: Services, key: str, options: Mapping[str, Any]) -> ClientImport:
    """Raises the refusals of `import_file`."""
    file_name = str(options.get("file_name") or key.rpartition("/")[2])
    author, chosen = author_by_hand(services, START_IMPORT, options.get("by")), read_chosen(options.get("columns"))
    is_dry_run, kind = options.get("dry_run", False), options.get("kind", CLIENTS)
    return import_file(services, key, file_name, author, chosen, is_dry_run=is_dry_run, kind=kind)


def _first_refused(services: Services, import_id: int, number: int) -> list[dict[str, object]]:
    def read(limit: int) -> Listed:
        rows, last_row = list_refused(services, import_id, 0, limit)
        return [represent_refused_row(row) for row in rows], position_at(last_row)

    return read_fitting(read, number, json_size)[0]
