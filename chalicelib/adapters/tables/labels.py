"""Labels: the tags, operator codes and attribute names of clients, which forms offer as choices.

A label is written after a client with it. If the process dies between the two writes, the label is written with the
repetition of the request, or with the next such client; until then no text and no condition can name the attribute. An
import writes the labels of a chunk before its clients, because a repeated chunk finds its clients already written. A
label stays after its last client is deleted, or was never written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from ...domain.client import Client
from ...domain.unicode_text import compose, spellings
from ..clock import Clock
from .base import bind_table
from .batches import Batches

TAG, OPERATOR_CODE, ATTRIBUTE = "tag", "operator_code", "attribute"
CACHE_SIZE = 100_000


class LabelRow(Model):
    class Meta:
        table_name = "labels"

    kind = UnicodeAttribute(hash_key=True)
    label = UnicodeAttribute(range_key=True)


class Labels:
    """Caches the labels that it has written, so that a container writes each label once."""

    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(LabelRow, stack_name, clock)
        self._batches = Batches(clock)
        self._written: set[tuple[str, str]] = set()

    def add_from(self, clients: Iterable[Client]) -> None:
        """Write the labels of these clients."""
        new = {label for client in clients for label in _labels_of(client)} - self._written
        if not new:
            return
        self._batches.put(LabelRow, [LabelRow(kind, label).serialize() for kind, label in new])
        if len(self._written) < CACHE_SIZE:
            self._written |= new

    def existing(self, kind: str, labels: Collection[str]) -> set[str]:
        """The labels among these that were written, in any spelling. One call reads a hundred."""
        keys = [(kind, stored) for label in labels for stored in spellings(label)]
        return {compose(row.label) for row in self._batches.get(LabelRow, keys)}

    def read(self, kind: str, limit: int) -> list[str]:
        """The first labels, in alphabetical order."""
        return list(dict.fromkeys(compose(row.label) for row in LabelRow.query(kind, limit=limit)))


def _labels_of(client: Client) -> list[tuple[str, str]]:
    tags = [(TAG, client.tag)] if client.tag else []
    return [(OPERATOR_CODE, client.operator_code), *tags, *((ATTRIBUTE, name) for name in client.attributes)]
