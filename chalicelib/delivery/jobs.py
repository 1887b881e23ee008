"""The jobs of the segments queue: start a mailing, walk a segment, recount or release a shard, follow clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import Conflict
from ..logs import about
from .dead_letters import send_to_dead_letters
from .fanout import start_mailing, walk_slice
from .local_hours import follow_moved, release_shard
from .reconcile import reconcile_shard

if TYPE_CHECKING:
    from ..adapters.services import Services

BUSY_SECONDS = 5

Job = dict[str, Any]
KINDS: dict[str, dict[str, type]] = {
    "start": {"mailing": int},
    "walk": {"mailing": int, "slice": int},
    "reconcile": {"mailing": int, "round": int, "shard": int, "requeue": bool},
    "release": {"mailing": int, "shard": int, "opens_at": int},
    "moved": {"clients": list},
}


def do_job(services: Services, body: str, seconds_left: Callable[[], float]) -> int | None:
    """Seconds until the job is to come back, None when it is done with.

    At once when its time ran out; a little later when another worker has it in hand. What cannot be read
    is put aside whole, for a person to see.
    """
    job = _read(body)
    if job is None:
        send_to_dead_letters(services, [body])
        return None
    known = {"mailing_id": job["mailing"]} if "mailing" in job else {}
    with about(job=job["job"], **known):
        try:
            return None if _do(services, job, seconds_left) else 0
        except Conflict:
            return BUSY_SECONDS


def _read(body: str) -> Job | None:
    try:
        job: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(job, dict) or job.get("job") not in KINDS:
        return None
    fields = KINDS[job["job"]]
    return job if all(type(job.get(name)) is kind for name, kind in fields.items()) else None


def _do(services: Services, job: Job, seconds_left: Callable[[], float]) -> bool:
    """Whether it is done; False: it has to go on where it stopped."""
    match job["job"]:
        case "start":
            start_mailing(services, job["mailing"])
            return True
        case "walk":
            return walk_slice(services, job["mailing"], job["slice"], seconds_left)
        case "release":
            return release_shard(services, job["mailing"], job["shard"], job["opens_at"], seconds_left)
        case "moved":
            follow_moved(services, job["clients"])
            return True
        case _:
            return reconcile_shard(services, job["mailing"], job["round"], job["shard"], job["requeue"], seconds_left)
