"""The tags, operator codes and names of attributes that clients have, for those who choose among them.

A label is noted when a client with it has been written; should we die between the two, it is noted with the next such
client, and can be typed until then. An import notes those of a chunk before it writes it: a chunk that is done again
after a crash finds its clients written. A label whose last client is gone, or never came, stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from ...domain.client import Client
from .base import place

TAG, OPERATOR_CODE, ATTRIBUTE = "tag", "operator_code", "attribute"
KNOWN_AT_MOST = 100_000


class LabelRow(Model):
    class Meta:
        table_name = "labels"

    kind = UnicodeAttribute(hash_key=True)
    label = UnicodeAttribute(range_key=True)


class Labels:
    """Remembers what it has noted: a container pays for a label once."""

    def __init__(self, stack_name: str) -> None:
        place(LabelRow, stack_name, "labels")
        self._noted: set[tuple[str, str]] = set()

    def note(self, clients: Iterable[Client]) -> None:
        new = {label for client in clients for label in _labels_of(client)} - self._noted
        if not new:
            return
        with LabelRow.batch_write() as batch:
            for kind, label in new:
                batch.save(LabelRow(kind, label))
        if len(self._noted) < KNOWN_AT_MOST:
            self._noted |= new

    def known(self, kind: str, labels: Collection[str]) -> set[str]:
        """Which of these some client has had; a hundred a call."""
        return {row.label for row in LabelRow.batch_get([(kind, label) for label in labels], consistent_read=True)}

    def read(self, kind: str, limit: int) -> list[str]:
        """In the order of the alphabet."""
        return [row.label for row in LabelRow.query(kind, limit=limit)]


def _labels_of(client: Client) -> list[tuple[str, str]]:
    tags = [(TAG, client.tag)] if client.tag else []
    return [(OPERATOR_CODE, client.operator_code), *tags, *((ATTRIBUTE, name) for name in client.attributes)]
