"""Parts of the rows of mailings, read without PynamoDB: it takes 80 µs for a whole row."""

from __future__ import annotations

from ...domain.audience import Plan
from ...domain.consent import SERVICE
from ...domain.mailing_outline import MailingOutline
from ...domain.mailing_search import ListedMailing
from .batches import Item
from .mailing_row import MailingRow, read_former_texts

OUTLINE = ("id", "datetime_start", "message_text", "former_texts", "purpose", "plan")
LISTED = ("id", "status", "datetime_start", "message_text", "filter", "total")
"""The attributes of each part."""


def outline_of(item: Item) -> MailingOutline:
    plan, former = item.get("plan"), item.get("former_texts")
    return MailingOutline(
        int(item["id"]["N"]),
        MailingRow.datetime_start.deserialize(item["datetime_start"]["S"]),  # type: ignore[no-untyped-call]
        item["message_text"]["S"],
        item["purpose"]["S"] if "purpose" in item else SERVICE,
        Plan(**MailingRow.plan.deserialize(plan["S"])) if plan else None,  # type: ignore[no-untyped-call]
        read_former_texts(former and MailingRow.former_texts.deserialize(former["S"])),  # type: ignore[no-untyped-call]
    )


def listed_of(item: Item) -> ListedMailing:
    chosen = MailingRow.filter.deserialize(item["filter"]["S"]) if "filter" in item else {}  # type: ignore[no-untyped-call]
    segment = chosen.get("segment")
    return ListedMailing(
        int(item["id"]["N"]),
        item["status"]["S"],
        MailingRow.datetime_start.deserialize(item["datetime_start"]["S"]),  # type: ignore[no-untyped-call]
        item["message_text"]["S"],
        segment["id"] if segment else None,
        int(item["total"]["N"]),
    )
