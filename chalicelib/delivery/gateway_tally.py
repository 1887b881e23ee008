"""What a sender has heard from several gateways and not written yet. The next write of counts takes it along.

So it costs no call. A batch in which every post failed writes no counts, and its posts wait for the next batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.gateway_posts import Post

if TYPE_CHECKING:
    from ..adapters.services import Services

KEPT = timedelta(minutes=2)
"""Later the posts would be shown as recent ones, and they are not. The breaker's report says what an outage is."""


class GatewayTally:
    """Belongs to one sender. Empty if there is one gateway."""

    def __init__(self, services: Services) -> None:
        self._is_needed = services.settings.routes.are_several
        self._posts: list[Post] = []

    def add(self, posts: Sequence[Post], now: datetime) -> None:
        if self._is_needed:
            self._posts = [post for post in [*self._posts, *posts] if now - post.at < KEPT]

    def take(self) -> list[Post]:
        """Each post is taken once: those of a failed write are lost, because it may have taken effect."""
        posts, self._posts = self._posts, []
        return posts
