"""The jobs of the segments queue: start a mailing, walk a segment, recount or release a shard, follow clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import Conflict
from ..logs import about
from .dead_letters import put_aside
from .fanout import start_mailing, walk_segment
from .local_hours import follow_moved, release_shard
from .reconcile import recount_shard

if TYPE_CHECKING:
    from ..adapters.outside import Outside

BUSY_SECONDS = 5

Job = dict[str, Any]
KINDS: dict[str, dict[str, type]] = {
    "start": {"mailing": int},
    "walk": {"mailing": int, "segment": int},
    "recount": {"mailing": int, "round": int, "shard": int, "requeue": bool},
    "release": {"mailing": int, "shard": int, "opens_at": int},
    "moved": {"clients": list},
}


def do_job(outside: Outside, body: str, seconds_left: Callable[[], float]) -> int | None:
    """Seconds until the job is to come back, None when it is done with.

    At once when its time ran out; a little later when another worker has it in hand. What cannot be read
    is put aside whole, for a person to see.
    """
    job = _read(body)
    if job is None:
        put_aside(outside, [body])
        return None
    known = {"mailing_id": job["mailing"]} if "mailing" in job else {}
    with about(job=job["job"], **known):
        try:
            return None if _do(outside, job, seconds_left) else 0
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


def _do(outside: Outside, job: Job, seconds_left: Callable[[], float]) -> bool:
    """Whether it is done; False: it has to go on where it stopped."""
    match job["job"]:
        case "start":
            start_mailing(outside, job["mailing"])
            return True
        case "walk":
            return walk_segment(outside, job["mailing"], job["segment"], seconds_left)
        case "release":
            return release_shard(outside, job["mailing"], job["shard"], job["opens_at"], seconds_left)
        case "moved":
            follow_moved(outside, job["clients"])
            return True
        case _:
            return recount_shard(outside, job["mailing"], job["round"], job["shard"], job["requeue"], seconds_left)
