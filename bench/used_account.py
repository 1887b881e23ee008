"""A stack that has been in use: 100,000 clients, 1,000 mailings with messages, imports and audit records.

The rows are written by the adapters in this process: through the API it would take an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.adapters.services import Services
from chalicelib.adapters.tables.counters import TOTALS, CounterRow
from chalicelib.adapters.tables.mailing_row import MailingRow, decisions
from chalicelib.clients.imports import IMPORT_ID
from chalicelib.domain.audience import plan_fan_out
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client import Client
from chalicelib.domain.client_import import FINISHED as IMPORTED
from chalicelib.domain.client_import import ClientImport, Tally
from chalicelib.domain.counts import COUNT_NAMES, Counts
from chalicelib.domain.csv_file import FileFormat
from chalicelib.domain.filter import Filter
from chalicelib.domain.mailing import FINISHED, MAILING_ID, PAUSED, SCHEDULED, Mailing
from chalicelib.domain.message import FAILED, SENT, Message
from chalicelib.settings import LOCAL_STAGE, Settings
from chalicelib.texts import Text

from .stacks import THREADS, write_clients

CLIENTS, MAILINGS, IMPORTS, RECORDS = 100_000, 1_000, 50, 500
TAGS, CODES = 100, 30
OPEN, LATER = 20, 30
"""Mailings that are paused, and that start later. The others are finished."""

SENT_TO_EACH = 100
MESSAGES = 10_000
"""Messages of the newest finished mailing, one in a hundred failed. The others have none: no page of theirs is read."""

ZONES = ("Europe/Moscow", "Asia/Yekaterinburg", "Asia/Novosibirsk", "Asia/Vladivostok")
NEWEST_FINISHED = MAILINGS - OPEN - LATER


def fill_account(stack_name: str) -> None:
    services = Services(Settings(stage=LOCAL_STAGE, stack_name=stack_name))
    clients = [_client(number) for number in range(1, CLIENTS + 1)]
    write_clients(clients, stack_name)
    services.labels.add_from(clients)
    _write_mailings(services)
    _write_messages(services)
    _write_history(services)


def _client(number: int) -> Client:
    phone = f"79{number % CODES:02d}{number:07d}"
    return Client(number, phone, tag=f"tag {number % TAGS}", timezone=ZONES[number % len(ZONES)])


def _write_mailings(services: Services) -> None:
    _ = services.mailings, services.counters  # binds their tables
    mailings = list(_mailings(services.clock.now()))
    with MailingRow.batch_write() as batch:
        for mailing in mailings:
            counts = {name: getattr(mailing.counts, name) for name in COUNT_NAMES}
            ran = {"is_fanned_out": mailing.is_fanned_out, "progress_at": mailing.progress_at}
            batch.save(MailingRow(mailing.id, **decisions(mailing), **counts, **ran, version=1))
    ended = sum((mailing.counts for mailing in mailings if mailing.status == FINISHED), Counts())
    counts = {name: getattr(ended, name) for name in COUNT_NAMES}
    CounterRow(TOTALS, mailings=MAILINGS, **counts).save()
    CounterRow(MAILING_ID, value=MAILINGS).save()


def _mailings(now: datetime) -> Iterator[Mailing]:
    """The oldest first: finished ones, paused ones, and those that start later."""
    for number in range(1, MAILINGS + 1):
        start = now - timedelta(hours=MAILINGS - number + 1)
        chosen = Filter((f"tag {number % TAGS}",)) if number % 2 else Filter()
        text = f"Здравствуйте! Скидка {number % 50} % до конца недели. Подробности в магазине."
        mailing = Mailing(number, start, start + timedelta(days=30), text, chosen, version=1)
        if number > MAILINGS - LATER:
            later = now + timedelta(days=number)
            yield replace(mailing, datetime_start=later, datetime_end=later + timedelta(days=1), status=SCHEDULED)
            continue
        plan = plan_fan_out(chosen, MESSAGES)
        started = replace(mailing, plan=plan, is_fanned_out=True, progress_at=now)
        if number > NEWEST_FINISHED:
            yield replace(started, status=PAUSED, counts=Counts(total=SENT_TO_EACH, sent=SENT_TO_EACH - 1))
            continue
        total = MESSAGES if number == NEWEST_FINISHED else SENT_TO_EACH
        counts = Counts(total=total, sent=total - total // 100, failed=total // 100)
        yield replace(started, status=FINISHED, counts=counts, ended_at=start + timedelta(minutes=5))


def _write_messages(services: Services) -> None:
    mailing = services.mailings.get(NEWEST_FINISHED)
    assert mailing is not None
    shards, now = mailing.started_plan.shards, services.clock.now()
    refused = Text("gateway.answered", status=400)

    def message(number: int) -> Message:
        status, error = (FAILED, refused) if number % 100 == 0 else (SENT, None)
        return Message(NEWEST_FINISHED, number, status, now, sent_at=now, attempts=1, last_error=error, shards=shards)

    services.messages.add([message(number) for number in range(1, MESSAGES + 1)], now + timedelta(days=30))


def _write_history(services: Services) -> None:
    now = services.clock.now()
    form = FileFormat("utf-8", ";", ("phone_number", "tag"), 20)
    for number in range(1, IMPORTS + 1):
        started = ClientImport(number, f"{number}.csv", "1", f"clients {number}.csv", form, now, now, form.start)
        services.imports.add(started)
        services.imports.advance(replace(started, tally=Tally(added=1000)).ended(IMPORTED, now))
    services.counters.lease_ids(IMPORT_ID, IMPORTS)

    def record(number: int) -> None:
        author = Author("shop", now - timedelta(seconds=number), 0.0)
        services.audit.add(author.record("client", number, {"tag": "a"}, {"tag": "b"}))

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(record, range(RECORDS)))
