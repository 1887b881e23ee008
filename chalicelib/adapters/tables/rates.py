"""The buckets that rate limits are kept by: one row each, which whoever takes from it writes anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from random import uniform
from threading import Lock
from time import sleep, time
from typing import Any, TypeVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from ...domain.rate import Bucket, Clocks
from ...errors import NotWritten, RowChanged
from .base import TableMeta, conflicts, place

ATTEMPTS = 12
LONGEST_PAUSE = 0.05
KEPT_SECONDS = 86_400
"""Nothing in a bucket matters for longer than a quarter of an hour."""

T = TypeVar("T")


class RateRow(Model):
    class Meta(TableMeta):
        table_name = "rates"

    name = UnicodeAttribute(hash_key=True)
    bucket = JSONAttribute()
    version = NumberAttribute()
    expires_at = NumberAttribute()

    def read(self) -> Bucket:
        mailings = {int(mailing_id): Clocks(**clocks) for mailing_id, clocks in self.bucket["mailings"].items()}
        return Bucket(self.bucket["gateway"], mailings)


class Rates:
    """Remembers each row as it last wrote or read it, so that taking from a bucket is one write, and no read."""

    def __init__(self, stack_name: str) -> None:
        place(RateRow, stack_name, "rates")
        self._known: dict[str, tuple[int, Bucket]] = {}
        self._lock = Lock()

    def change(self, name: str, decide: Callable[[Bucket], tuple[Bucket, T]]) -> T:
        """Write what `decide` makes of the bucket, and answer with what it decided; it is asked again where another
        writer came first. Raises NotWritten where that happens too often.
        """
        with self._lock:
            for _ in range(ATTEMPTS):
                version, before = self._known.get(name) or self._read(name)
                after, decided = decide(before)
                try:
                    self._write(name, version, after)
                except RowChanged:
                    self._known.pop(name, None)
                    sleep(uniform(0, LONGEST_PAUSE))  # noqa: S311
                    continue
                self._known[name] = version + 1, after
                return decided
        raise NotWritten(f"rate {name}: others came first {ATTEMPTS} times")

    def _read(self, name: str) -> tuple[int, Bucket]:
        try:
            row = RateRow.get(name, consistent_read=True)
        except DoesNotExist:
            return 0, Bucket()
        return int(row.version), row.read()

    def _write(self, name: str, version: int, bucket: Bucket) -> None:
        mailings: dict[str, Any] = {str(mailing_id): asdict(clocks) for mailing_id, clocks in bucket.mailings.items()}
        state = {"gateway": bucket.gateway, "mailings": mailings}
        row = RateRow(name, bucket=state, version=version + 1, expires_at=int(time()) + KEPT_SECONDS)
        unchanged = RateRow.version == version if version else RateRow.name.does_not_exist()
        with conflicts():
            row.save(condition=unchanged)
