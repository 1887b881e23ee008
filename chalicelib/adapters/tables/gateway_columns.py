"""The posts to each gateway, in the row of a mailing: attributes that are named after the gateways."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from ...domain.gateway_posts import NUMBERS, GatewayPosts, PostsByGateway
from .batches import Item

PREFIX, ACCEPTED_AT = "via", "at"
"""`via#smsc#accepted`, `via#smsc#at`: the row has to stay small. The moment is in seconds since 1970."""

KNOWN = {*NUMBERS, ACCEPTED_AT}


class GatewayColumns:
    """Of a row that PynamoDB reads, beside its declared attributes."""

    by_gateway: PostsByGateway = {}  # noqa: RUF012

    def deserialize(self, attribute_values: Item) -> None:
        super().deserialize(attribute_values)  # type: ignore[misc]
        self.by_gateway = _read(attribute_values)

    @classmethod
    def from_raw_data(cls, data: Item) -> Any:
        row = super().from_raw_data(data)  # type: ignore[misc]
        row.by_gateway = _read(data)
        return row


def add_posts(by_gateway: PostsByGateway) -> list[Action]:
    actions: list[Action] = []
    for name, posts in by_gateway.items():
        actions += [_path(name, kind).add(number) for kind in NUMBERS if (number := getattr(posts, kind))]
        if posts.accepted_at is not None:
            actions.append(_path(name, ACCEPTED_AT).set(int(posts.accepted_at.timestamp())))
    return actions


def _path(gateway: str, kind: str) -> Path:
    return Path([f"{PREFIX}#{gateway}#{kind}"])


def _read(item: Item) -> PostsByGateway:
    found: dict[str, dict[str, Any]] = {}
    for attribute in item:
        if attribute.startswith(f"{PREFIX}#"):
            _, gateway, kind = attribute.split("#")
            if kind in KNOWN:
                found.setdefault(gateway, {})[kind] = int(item[attribute]["N"])
    return {name: _posts(numbers) for name, numbers in found.items()}


def _posts(numbers: dict[str, Any]) -> GatewayPosts:
    at = numbers.pop(ACCEPTED_AT, None)
    return GatewayPosts(**numbers, accepted_at=None if at is None else datetime.fromtimestamp(at, UTC))
