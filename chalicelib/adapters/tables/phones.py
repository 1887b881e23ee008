"""The rows of phone numbers, written in the transactions of clients and of the stop list.

A row keeps its phone number unique. It also holds the opt-out, and remains for it after the client is deleted or gets
another number. The opt-out of an erased person is in a row of its own, under the digest of the number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from ...domain.client import Client
from ...domain.phone_digest import phone_digest
from ...domain.stop import StopCause
from ..clock import Clock
from .base import bind_table
from .batches import Batches
from .client_row import PhoneRow, erased_phone


class Phones:
    """`key` returns the key of phone digests."""

    def __init__(self, stack_name: str, key: Callable[[], str], clock: Clock) -> None:
        bind_table(PhoneRow, stack_name, clock)
        self._key = key
        self._batches = Batches(clock)

    def read(self, phone_number: str) -> PhoneRow | None:
        try:
            return PhoneRow.get(phone_number, consistent_read=True)
        except DoesNotExist:
            return None

    def read_many(self, phone_numbers: Iterable[str]) -> list[PhoneRow]:
        """One call per 100 numbers."""
        return self._batches.get(PhoneRow, phone_numbers)

    def erased_among(self, phone_numbers: Iterable[str]) -> set[str]:
        """Those that opted out and were erased. One call per 100 numbers."""
        by_key = {self._erased_key(phone): phone for phone in phone_numbers}
        return {by_key[row.phone] for row in self._batches.get(PhoneRow, by_key)}

    def require_not_erased(self, writes: TransactWrite, phone_number: str) -> None:
        """The deletion of a row that must not exist: a condition in the transaction, without a right of its own."""
        writes.delete(PhoneRow(self._erased_key(phone_number)), condition=PhoneRow.phone.does_not_exist())

    def take(self, writes: TransactWrite, client: Client, cause: StopCause) -> None:
        """Gives the number to the client, if it has no client and the client is opted out like the number.

        An opt-out is an update, so that the row keeps the cause that it has. A transaction has updates after the rows
        that it writes whole.
        """
        if client.opted_out_at is None:
            row = PhoneRow(client.phone_number, client_id=client.id)
            writes.save(row, condition=PhoneRow.phone.does_not_exist())
        else:
            row = PhoneRow(client.phone_number)
            actions = _opt_out(client, client.opted_out_at, cause)
            writes.update(row, actions, condition=PhoneRow.client_id.does_not_exist())

    def stop(self, writes: TransactWrite, client: Client, cause: StopCause) -> None:
        """Opts the client's number out or in, as the client is."""
        if client.opted_out_at is None:
            writes.save(PhoneRow(client.phone_number, client_id=client.id))
        else:
            writes.update(PhoneRow(client.phone_number), _opt_out(client, client.opted_out_at, cause))

    def free(self, writes: TransactWrite, client: Client) -> None:
        """Frees the number; an opt-out stays, with its cause."""
        row = PhoneRow(client.phone_number)
        if client.opted_out_at is None:
            writes.delete(row)
        else:
            opted_out_at = PhoneRow.opted_out_at.set(client.opted_out_at)
            writes.update(row, [opted_out_at, PhoneRow.client_id.remove()])

    def _erased_key(self, phone_number: str) -> str:
        return erased_phone(phone_digest(self._key(), phone_number))


def _opt_out(client: Client, since: datetime, cause: StopCause) -> list[Action]:
    """A cause that the row has stays."""
    actions: list[Action] = [PhoneRow.client_id.set(client.id), PhoneRow.opted_out_at.set(since)]
    if cause.source is not None:
        actions.append(PhoneRow.source.set(PhoneRow.source | cause.source))
    if cause.reason is not None:
        actions.append(PhoneRow.reason.set(PhoneRow.reason | cause.reason))
    return actions
