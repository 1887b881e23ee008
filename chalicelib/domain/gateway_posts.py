"""How the posts to each of several gateways went, for people. No decision depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .outcome import FINAL, TAKEN, Kind

RECENT = timedelta(minutes=10)
"""People see the posts of so many minutes."""

NUMBERS = ("accepted", "refused", "failed", "doubtful", "milliseconds")


@dataclass(frozen=True)
class Post:
    """A post that ended at `at`, with an outcome of this kind, after so many milliseconds."""

    gateway: str
    kind: Kind
    milliseconds: float
    at: datetime

    @property
    def meaning(self) -> str:
        """One of NUMBERS."""
        if self.kind in TAKEN:
            return "accepted"
        if self.kind in FINAL:
            return "refused"
        return "doubtful" if self.kind is Kind.AMBIGUOUS else "failed"


@dataclass(frozen=True)
class GatewayPosts:
    """The posts to one gateway, by what their outcomes mean, and how long they took together.

    `refused`: because of the message. `failed`: for any other reason, and the gateway certainly does not have the
    message. `doubtful`: it may have it. `accepted_at`: when it last accepted one; None: not in these posts.
    """

    accepted: int = 0
    refused: int = 0
    failed: int = 0
    doubtful: int = 0
    milliseconds: int = 0
    accepted_at: datetime | None = None

    @property
    def total(self) -> int:
        return self.accepted + self.refused + self.failed + self.doubtful

    @property
    def latency(self) -> int | None:
        """The mean time of a post, in milliseconds. None without posts."""
        return round(self.milliseconds / self.total) if self.total else None

    def __add__(self, other: GatewayPosts) -> GatewayPosts:
        moments = [one.accepted_at for one in (self, other) if one.accepted_at]
        numbers = {name: getattr(self, name) + getattr(other, name) for name in NUMBERS}
        return GatewayPosts(**numbers, accepted_at=max(moments, default=None))

    def since(self, earlier: GatewayPosts) -> GatewayPosts:
        """Those that came after the earlier ones."""
        numbers = {name: max(0, getattr(self, name) - getattr(earlier, name)) for name in NUMBERS}
        return GatewayPosts(**numbers, accepted_at=self.accepted_at)


NO_POSTS = GatewayPosts()

PostsByGateway = Mapping[str, GatewayPosts]
"""By the name of the gateway. Empty if there is one gateway only: then the counts of the mailing say all."""


def by_gateway(posts: Iterable[Post]) -> PostsByGateway:
    return added({post.gateway: _one(post)} for post in posts)


def added(parts: Iterable[PostsByGateway]) -> PostsByGateway:
    found: dict[str, GatewayPosts] = {}
    for part in parts:
        for name, posts in part.items():
            found[name] = found.get(name, NO_POSTS) + posts
    return found


def _one(post: Post) -> GatewayPosts:
    numbers = {post.meaning: 1, "milliseconds": round(post.milliseconds)}
    return GatewayPosts(**numbers, accepted_at=post.at if post.kind in TAKEN else None)
