"""What has to be there before the example of an operation can be tried, made by the other examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.adapters.services import Services
from chalicelib.api.documented import request_example
from chalicelib.api.operations import Operation
from chalicelib.clients.import_worker import run_import
from chalicelib.delivery.dead_letters import read_job
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import ImportClients
from chalicelib.domain.message import MessageKey
from chalicelib.http.bodies import CSV

from .conftest import Call


class World:
    def __init__(self, call: Call, services: Services) -> None:
        self.call = call
        self.services = services

    def nothing(self) -> None:
        """A new service."""

    def client(self) -> None:
        self._post("/Clients", "NewClient")

    def stopped_client(self) -> None:
        self.client()
        self._post("/Clients/1/opt_out")

    def erased_client(self) -> None:
        self.stopped_client()
        self._post("/Clients/1/erase")

    def stop(self) -> None:
        self._post("/StopList", "NewStop")

    def mailing(self) -> None:
        self._post("/Mailing", "NewMailing")

    def mailing_to_approve(self) -> None:
        self.services.settings = replace(self.services.settings, approval_above=1)
        self.mailing()

    def segment(self) -> None:
        self._post("/Segments", "NewSegment")

    def client_of_segment(self) -> None:
        self.client()
        self.segment()

    def series(self) -> None:
        self._post("/Series", "NewSeries")

    def paused_series(self) -> None:
        self.series()
        self._post("/Series/1/pause")

    def imported(self, query: str = "") -> None:
        content = request_example("post /Clients/import/").encode()
        path = f"/Clients/import?file_name=clients.csv{query}"
        assert self.call("POST", path, body=content, content_type=CSV).status == 202
        self._work()

    def checked_import(self) -> None:
        self.imported("&dry_run=true")

    def undone_import(self) -> None:
        self.imported()
        self.call("PATCH", "/Clients/1", json={"tag": "vip"})
        self._post("/Clients/import/1/undo")
        self._work()

    def running(self, status: str = "sent") -> None:
        """A mailing to one client, whose message has this status."""
        self.client()
        now = datetime.now(UTC)
        times = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
        self.call("POST", "/Mailing", json={**request_example("NewMailing"), **times})
        start_mailing(self.services, 1)
        walk_slice(self.services, 1, 0, lambda: 60.0)
        claimed = self.services.messages.claim(MessageKey(1, 1, 1), now, now + timedelta(seconds=9))
        assert claimed is not None
        self.services.messages.settle(claimed, status, now)
        self.services.mailings.add_counts(1, Counts(**{status: 1}, parts=1), now, now)

    def failed(self) -> None:
        self.running("failed")

    def paused(self) -> None:
        self.running()
        self._post("/Mailing/1/pause")

    def _post(self, path: str, name: str | None = None) -> None:
        """By the example of the request."""
        answer = self.call("POST", path, json=request_example(name) if name else None)
        assert answer.status < 300, answer.text

    def _work(self) -> None:
        for message in self.services.imports_queue.receive():
            job = read_job(self.services, message.body, ImportClients)
            assert job is not None
            run_import(self.services, job, lambda: 60.0)
            self.services.imports_queue.delete([message.receipt_handle])


NEEDED: dict[str, Callable[[World], None]] = {
    "post /Clients/": World.nothing,
    "post /Clients/import/": World.nothing,
    "post /StopList/": World.nothing,
    "post /Segments/": World.nothing,
    "post /Series/": World.nothing,
    "post /Mailing/": World.nothing,
    "post /Mailing/preview/": World.client,
    "post /Clients/import/{id}/start/": World.checked_import,
    "get /Clients/import/{id}/kept/": World.undone_import,
    "post /Clients/readmit/": World.erased_client,
    "post /Clients/{id}/opt_in/": World.stopped_client,
    "get /Clients/{id}/history/": World.running,
    "get /Clients/{id}/consent_report/": World.running,
    "post /Mailing/{id}/pause/": World.running,
    "post /Mailing/{id}/resume/": World.paused,
    "post /Mailing/{id}/resend/": World.failed,
    "post /Mailing/{id}/approve/": World.mailing_to_approve,
    "get /Segments/{id}/count/": World.client_of_segment,
    "post /Series/{id}/resume/": World.paused_series,
}
"""By operation; the others need what is at their addresses."""

AT_ADDRESS: dict[str, Callable[[World], None]] = {
    "/Clients/import/": World.imported,
    "/Clients/": World.client,
    "/StopList/": World.stop,
    "/Mailing/": World.mailing,
    "/Segments/": World.segment,
    "/Series/": World.series,
    "/Audit/": World.stopped_client,
    "/": World.running,
}


def prepare(world: World, operation: Operation) -> None:
    at_address = next(make for beginning, make in AT_ADDRESS.items() if operation.path.startswith(beginning))
    NEEDED.get(operation.key, at_address)(world)
