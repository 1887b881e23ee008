"""A batch whose gateway drips one answer: the other messages are recorded, and the batch ends in time."""

from __future__ import annotations

import socket

from chalicelib.delivery.sender import Sender
from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import ReceivedMessage
from chalicelib.gateways.opened import Gateways
from infra.local.doubles.world import World
from tests.gateways.contract_gateway import ContractGateway, KnownToken
from tests.gateways.raw_server import CONTRACT, serving

TIMEOUT = 1.0


def test_a_dripped_answer_delays_no_other_message_of_its_batch() -> None:
    world = World(gateway_timeout=TIMEOUT)
    world.clients(8)
    mailing_id = world.mailing(lasts=3600)
    world.do_jobs()
    deliveries = world.services.send_queue.receive(10)
    records = [ReceivedMessage(one.id, one.receipt_handle, one.body, one.receive_count) for one in deliveries]

    def drip_to_the_third(connection: socket.socket) -> None:
        if len(server.requests) == 3:
            server.drip(connection, b"H")
        connection.sendall(CONTRACT)

    with serving(drip_to_the_third) as server:
        gateway = ContractGateway(server.url, KnownToken("secret"), connections=2)
        world.services.gateway = Gateways({"contract": gateway})  # type: ignore[assignment]
        returned = Sender(world.services).send_batch(records, lambda: 60.0)
        gateway.close()
        assert len(server.requests) == 8
        assert not server.is_drained
    assert len(returned) == 1
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id) == Counts(total=8, sent=7)
