"""Local hours that begin or end during an attack."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from .experiment import Experiment, now


def soon_open() -> dict[str, Any]:
    """Local hours that begin within 70 seconds. All clients have the time zone UTC."""
    opens = _next_minute()
    return {"time_from": f"{opens:%H:%M}", "time_to": f"{opens + timedelta(hours=6):%H:%M}"}


def soon_closed() -> dict[str, Any]:
    return {"time_from": f"{now() - timedelta(hours=6):%H:%M}", "time_to": f"{_next_minute():%H:%M}"}


def _next_minute() -> datetime:
    """A full minute from now that leaves time to announce a mailing."""
    return (now() + timedelta(seconds=70)).replace(second=0, microsecond=0)


def kill_when_the_hours_begin(experiment: Experiment, _: float) -> None:
    opens = _moment_of(experiment.mailing["time_from"])
    experiment.forbidden.append((datetime.fromisoformat(experiment.mailing["datetime_start"]), opens))
    experiment.await_share(0.1, 0.6, patience=140)
    experiment.kill("SendMessages", 2)


def let_the_hours_end(experiment: Experiment, _: float) -> None:
    """Messages that are not sent by the end of the hours wait, until the hours are removed."""
    closes = _moment_of(experiment.mailing["time_to"])
    experiment.await_until(lambda: now() > closes + timedelta(seconds=8), 140)
    experiment.forbidden.append((closes, now()))
    experiment.target.call("PATCH", experiment.path, time_from="", time_to="")


def _moment_of(time_of_day: str) -> datetime:
    """Today's moment, or tomorrow's if it is shortly before midnight."""
    hour, minute = map(int, time_of_day.split(":"))
    moment = now().replace(hour=hour, minute=minute, second=0, microsecond=0)
    return moment if moment > now() - timedelta(hours=12) else moment + timedelta(days=1)
