"""`make demo`: a mailing from a CSV of clients to the gateway's door, counted at both ends."""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from .calls import calls_since
from .seed import LOCAL_TOKEN
from .stack import DevStack, StackFailed, any_settings
from .up import end_on_sigterm

CLIENTS = Path(__file__).with_name("clients.csv")
TAGS = ["друзья", "постоянные", "новые", "vip", "москва", "акция"]
CODES = ["900", "903", "905", "910", "912", "914", "915", "916", "917", "918", "919", "920", "921"]
CODES += ["922", "925", "926", "950", "951", "961", "977", "978", "981", "999"]
STARTS_IN = timedelta(seconds=3)
PATIENCE_SECONDS = 75
BAR = 40


def main() -> int:
    end_on_sigterm()
    logs = Path(tempfile.mkdtemp(prefix="notifications-demo-"))
    try:
        with DevStack(any_settings(), logs) as stack:
            return Demo(stack).run()
    except StackFailed as error:
        print(f"demo: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
    return 1


class Demo:
    def __init__(self, stack: DevStack) -> None:
        assert stack.simulator is not None
        self.stack = stack
        self.simulator = stack.simulator
        self.looks = 0
        self.counted_from = time.time()
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"

    def run(self) -> int:
        rows = list(csv.DictReader(CLIENTS.open(encoding="utf-8"), delimiter=";"))
        chosen = {row["phone_number"] for row in rows if row["tag"] in TAGS and row["phone_number"][1:4] in CODES}
        self._load(rows)
        self.counted_from = time.time()
        mailing = self._announce()
        print(f"mailing {mailing['id']} starts at {mailing['datetime_start']} for {len(chosen)} clients")
        stats = self._watch(mailing["id"], len(chosen))
        calls = self._aws_calls()
        self._report(stats)
        print(f"AWS calls   {calls / max(1, len(chosen)):.2f} per delivered message")
        return self._verdict(stats, chosen)

    def _call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        response = self.session.request(method, self.stack.url + path, data=body, timeout=30)
        if not response.ok:
            raise StackFailed(f"{method} {path} was answered with {response.status_code}: {response.text[:300]}")
        answer: dict[str, Any] = response.json()
        return answer

    def _load(self, rows: list[dict[str, str]]) -> None:
        started = time.monotonic()
        with ThreadPoolExecutor(8) as threads:
            for number, _ in enumerate(threads.map(lambda row: self._call("POST", "/Clients/", **row), rows), 1):
                if number % 100 == 0:
                    _show("clients", number, len(rows))
        seconds = time.monotonic() - started
        print(f"\n{len(rows)} clients in {seconds:.1f} s, {len(rows) / seconds:.0f} a second")

    def _announce(self) -> dict[str, Any]:
        start = datetime.now(UTC) + STARTS_IN
        return self._call(
            "POST",
            "/Mailing/",
            datetime_start=start.isoformat(),
            datetime_end=(start + timedelta(hours=1)).isoformat(),
            message_text="Здравствуйте! Это проба сервиса уведомлений.",
            filter_tag=",".join(TAGS),
            filter_op_codes=",".join(CODES),
        )

    def _aws_calls(self) -> int:
        """Since the mailing was announced, less the two of each look at its statistics."""
        return calls_since(self.stack.aws_url, self.counted_from) - 2 * self.looks

    def _watch(self, mailing_id: int, expected: int) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        shown = None
        while True:
            stats = self._call("GET", f"/Stats/{mailing_id}/?limit=1")
            self.looks += 1
            messages = stats["messages"]
            state = (stats["status"], messages["total"] - messages["queued"], expected)
            if state != shown:
                _show(*state)
                shown = state
            if stats["status"] == "finished" or time.monotonic() > deadline:
                print()
                return stats
            time.sleep(0.5)

    def _report(self, stats: dict[str, Any]) -> None:
        seen = self.simulator.seen
        seconds = (seen.last_at - seen.first_at).total_seconds() if seen.first_at and seen.last_at else 0.0
        rate = seen.accepted.total() / seconds if seconds else 0.0
        summary = seen.summary()
        print("statistics  " + ", ".join(f"{name} {number}" for name, number in stats["messages"].items()))
        print(f"speed       {rate:.0f} messages a second, from the first post to the last ({seconds:.1f} s)")
        print(f"gateway     {summary['requests']} requests, {summary['distinct']} ids, {summary['repeated']} repeated")

    def _verdict(self, stats: dict[str, Any], chosen: set[str]) -> int:
        """Both ends are compared: the CSV with its filter, the statistics, and what came to the gateway."""
        summary = self.simulator.seen.summary()
        expected = dict.fromkeys(stats["messages"], 0) | {"total": len(chosen), "sent": len(chosen)}
        wrong = []
        if stats["status"] != "finished":
            wrong.append(f"the mailing is {stats['status']}, not finished, after {PATIENCE_SECONDS} s")
        if stats["messages"] != expected:
            wrong.append(f"the statistics should be {expected}")
        if summary["distinct"] != len(chosen) or summary["repeated"]:
            wrong.append(f"the gateway should have seen {len(chosen)} ids, none of them repeated")
        for line in wrong:
            print(f"demo: {line}", file=sys.stderr)
        if not wrong:
            print(f"all {len(chosen)} messages are accounted for")
        return 1 if wrong else 0


def _show(what: str, done: int, of: int) -> None:
    """A bar that redraws itself on a terminal, plain lines elsewhere."""
    filled = BAR * done // of if of else 0
    line = f"{what:10} [{'#' * filled}{'.' * (BAR - filled)}] {done}/{of}"
    print(f"\r{line}" if sys.stdout.isatty() else line, end="" if sys.stdout.isatty() else "\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
