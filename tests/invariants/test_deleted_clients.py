"""A mailing ends soon although clients are deleted while its audience is fanned out.

The end of the mailing is days away, and another mailing keeps the send queue busy.
"""

from __future__ import annotations

import pytest

from chalicelib.clients.registry import delete_client
from chalicelib.domain.jobs import SendMessage
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.world import World
from tests.depth import crash_points

CLIENTS = 9
DELETED = 4
DAYS = 5 * 24 * 3600
MINUTES = 60


def lose_queue_messages_of(world: World, client_id: int) -> None:
    queue = world.services.send_queue
    for name in [one.id for one in queue.messages.values() if f'"client_id":{client_id}' in one.body]:
        queue.lose(name)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_client_that_is_deleted_before_its_page_is_repeated_and_whose_queue_message_is_lost(after: bool) -> None:
    for at in crash_points():
        world = World()
        world.clients(CLIENTS)
        world.services.send_queue.send([SendMessage(mailing_id=99, client_id=99)], [DAYS])
        mailing_id = world.mailing(lasts=DAYS)
        crashing = world.crashing[1] = CrashingServices(world.services, at, after)  # the invocation that walks
        world.do_jobs()
        delete_client(world.services, DELETED)
        lose_queue_messages_of(world, DELETED)
        world.run(30 * MINUTES, step=15)
        mailing = world.get(mailing_id)
        assert (mailing.status, mailing.counts.sent) == ("finished", CLIENTS - 1), (at, mailing)
        assert mailing.counts == world.counted_rows(mailing_id)
        assert mailing.rounds <= 6
        if not crashing.is_dead:
            break
