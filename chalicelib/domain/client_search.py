"""What a list of clients is asked for, and where its clients are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from .audience import Partition, block_partitions, label_partitions
from .client import BLOCK_SIZE, MAX_LABEL, PHONE, Client
from .phone_part import PhonePart
from .search import Stretch
from .unicode_text import compose, searchable
from .walk import Cursor


@dataclass(frozen=True)
class AttributeText:
    """A value of an attribute that has this text, as a search compares texts. `name`: None means any attribute.

    `shown`: the value as the person who searches sees it.
    """

    text: str
    name: str | None = None
    shown: Callable[[str], str] = str

    @cached_property
    def _wanted(self) -> tuple[str | None, str]:
        """Kept, because a search asks for it for each client."""
        return self.name and searchable(self.name), searchable(self.text)

    def is_in(self, client: Client) -> bool:
        name, text = self._wanted
        return any(
            text in searchable(self.shown(value)) and name in (None, searchable(one))
            for one, value in client.attributes.items()
        )


@dataclass(frozen=True)
class ClientFilter:
    """The filter of a list of clients. None means any value."""

    tag: str | None = None
    operator_code: str | None = None
    phone_number: str | None = None
    phone: PhonePart | None = None
    attribute: AttributeText | None = None
    is_opted_out: bool | None = None

    @property
    def matches_nothing(self) -> bool:
        """Whether no client can have these values. As a key, such a value may be longer than DynamoDB allows."""
        return any(value is not None and len(value) > MAX_LABEL for value in (self.tag, self.operator_code)) or (
            self.phone_number is not None and not PHONE.fullmatch(self.phone_number)
        )

    @property
    def is_served_by_a_key(self) -> bool:
        """Whether each client of the partitions is wanted."""
        others = (self.phone, self.attribute, self.is_opted_out)
        return all(one is None for one in others) and None in (self.tag, self.operator_code)

    def keeps(self, client: Client) -> bool:
        return (
            self.tag in (None, compose(client.tag or ""))
            and self.operator_code in (None, client.operator_code)
            and (self.phone is None or self.phone.matches(client.phone_number))
            and (self.attribute is None or self.attribute.is_in(client))
            and self.is_opted_out in (None, client.opted_out_at is not None)
        )

    def partitions(self, last_client_id: int) -> list[Partition]:
        """The partitions that have all wanted clients: of the index of tags or of operator codes, or of the table."""
        if self.tag is not None:
            return label_partitions("tag", self.tag)
        code = self.operator_code or (self.phone and self.phone.operator_code)
        return label_partitions("operator_code", code) if code else block_partitions(last_client_id)


def stretches_of(partitions: list[Partition], cursor: Cursor, last_client_id: int) -> Iterator[Stretch]:
    """The ids of each partition after the cursor. A block has no others than its own, a shard of an index has any."""
    after = cursor.id
    for number in range(cursor.partition, len(partitions)):
        partition, first, last = partitions[number], 1, last_client_id
        if partition.by == "block":
            first = int(partition.key) * BLOCK_SIZE
            last = first + BLOCK_SIZE  # the first id that is not in the block, so that the range is known to be whole
        begin = max(after, first - 1)
        if begin < last:
            yield Stretch(number, begin, last)
        after = 0
