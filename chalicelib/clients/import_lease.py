"""The lease of an import: one worker at a time reads its file, or undoes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from ..domain.client_import import RUNNING, ClientImport
from ..errors import Conflict, TryAgain

if TYPE_CHECKING:
    from ..adapters.services import Services

THREADS = 8
"""Of a worker, which write the groups of a chunk."""

SECONDS_FOR_A_CHUNK = 20.0
LEASE_MARGIN = timedelta(seconds=5)


@contextmanager
def leased(
    services: Services, import_id: int, seconds_left: Callable[[], float], status: str = RUNNING
) -> Iterator[ClientImport]:
    """Leases the import while it has this status. A worker that fails, or has no time left, gives the lease back.

    Raises ImportBusy if another worker has it.
    """
    now = services.clock.now()
    client_import = services.imports.lease(
        import_id, now, now + timedelta(seconds=seconds_left()) + LEASE_MARGIN, status
    )
    try:
        yield client_import
    except (Conflict, TryAgain):
        with suppress(Conflict, TryAgain):
            services.imports.end_lease(client_import)
        raise
