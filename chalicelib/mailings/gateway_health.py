"""How each of several gateways does: its posts of the last minutes, and when it last accepted a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING

from ..domain.gateway_posts import NO_POSTS, RECENT, GatewayPosts, added
from ..domain.mailing import Mailing
from ..domain.timeline import MINUTE, Sample, recent_posts
from .timeline import newest_points

if TYPE_CHECKING:
    from ..adapters.services import Services

MOST_READ = 10
"""Of the mailings that made progress in the last minutes, so many are looked at."""


@dataclass(frozen=True)
class GatewayHealth:
    """`recent`: the posts of the last minutes. `accepted_at`: of the last accepted message; None if it is unknown."""

    recent: GatewayPosts
    accepted_at: datetime | None


@dataclass(frozen=True)
class Health:
    """`gateways`: by name, in the order in which a message tries them. `minutes`: over which the posts are counted."""

    gateways: dict[str, GatewayHealth]
    minutes: int


def health_of(
    services: Services, mailings: Sequence[Mailing], points: Mapping[int, Sequence[Sample]], now: datetime
) -> Health | None:
    """Of these mailings; None if there is one gateway only.

    `points`: of those whose samples are read already, by the id of the mailing. A sender adds its posts to any mailing
    of its batch, so only the sum says something.
    """
    routes = services.settings.routes
    if not routes.are_several:
        return None
    moved = [(one.progress_at, one) for one in mailings if one.progress_at and now - one.progress_at < RECENT]
    newest = [one for _, one in sorted(moved, key=itemgetter(0), reverse=True)[:MOST_READ] if one.by_gateway]
    found = [recent_posts(one, points.get(one.id) or newest_points(services, one), now) for one in newest]
    passed = max([RECENT, *(now - since for since, _ in found)])
    recent, ever = added(posts for _, posts in found), added(one.by_gateway for one in mailings)
    gateways = {
        name: GatewayHealth(recent.get(name, NO_POSTS), ever.get(name, NO_POSTS).accepted_at) for name in routes.names
    }
    return Health(gateways, -(-passed // MINUTE))
