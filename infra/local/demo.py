"""`make demo`: a mailing from a CSV of clients to the gateway's door, counted at both ends."""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import requests

from chalicelib.domain.client import Client

from .calls import calls_since
from .seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from .stack import DevStack, LocalSettings, StackFailed, any_settings
from .up import end_on_sigterm

CLIENTS = Path(__file__).with_name("clients.csv")
TAGS = ["друзья", "постоянные", "новые", "vip", "москва", "акция"]
CODES = ["900", "903", "905", "910", "912", "914", "915", "916", "917", "918", "919", "920", "921"]
CODES += ["922", "925", "926", "950", "951", "961", "977", "978", "981", "999"]
STARTS_IN = timedelta(seconds=2)
PATIENCE_SECONDS = 75
SECONDS_BETWEEN_LOOKS = 0.5
BAR = 40
NEXT = f"""
Next:
  make up            the same stack, staying: the console is at http://127.0.0.1:{LocalSettings.port}/console/
                     (user {LOCAL_USER}, password {LOCAL_PASSWORD}), the API beside it
  README.md          a mailing of your own by curl, and how to deploy into an AWS account
  docs/              operations, reliability, performance, rights"""


def main() -> int:
    end_on_sigterm()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # each line when it is said, in a log as well
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
        clients = [Client(number, row["phone_number"], row["tag"]) for number, row in enumerate(rows, start=1)]
        chosen = {client.phone_number for client in clients if client.tag in TAGS and client.operator_code in CODES}
        self._import(len(rows))
        self.counted_from = time.time()
        mailing = self._announce()
        print(f"mailing {mailing['id']} starts at {mailing['datetime_start']} for {len(chosen)} of them")
        stats = self._watch(mailing["id"], len(chosen))
        calls = self._aws_calls()
        self._report(stats)
        print(f"AWS calls   {calls / max(1, len(chosen)):.2f} per delivered message")
        verdict = self._verdict(stats, chosen)
        print(NEXT, flush=True)
        return verdict

    def _call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        return self._request(method, path, data=body)

    def _request(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = self.session.request(method, self.stack.url + path, timeout=30, **options)
        if not response.ok:
            raise StackFailed(f"{method} {path} was answered with {response.status_code}: {response.text[:300]}")
        answer: dict[str, Any] = response.json()
        return answer

    def _import(self, rows: int) -> None:
        """As an operator does it: the file is sent, the import followed until it ends."""
        print(f"POST /Clients/import/ with {CLIENTS.name}")
        started = time.monotonic()
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/Clients/import/?file_name={CLIENTS.name}"
        one = self._request("POST", path, data=CLIENTS.read_bytes(), headers=headers)
        bar = Bar()
        while one["status"] == "running" and time.monotonic() - started < PATIENCE_SECONDS:
            bar.show("clients", one["rows"], rows)
            time.sleep(SECONDS_BETWEEN_LOOKS)
            one = self._call("GET", f"/Clients/import/{one['id']}/")
        bar.show("clients", one["added"], rows, is_last=True)
        if one["status"] != "finished" or one["added"] != rows:
            raise StackFailed(f"{rows} clients should have been added: {one}")
        print(f"{rows} clients in {time.monotonic() - started:.1f} s")

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
        bar = Bar()
        while True:
            stats = self._call("GET", f"/Stats/{mailing_id}/?limit=1")
            self.looks += 1
            messages = stats["messages"]
            is_last = stats["status"] == "finished" or time.monotonic() > deadline
            bar.show(stats["status"], messages["total"] - messages["queued"], expected, is_last)
            if is_last:
                return stats
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _report(self, stats: dict[str, Any]) -> None:
        seen = self.simulator.seen
        seconds = (seen.last_at - seen.first_at).total_seconds() if seen.first_at and seen.last_at else 0.0
        rate = seen.accepted.total() / seconds if seconds else 0.0
        summary = seen.summary()
        counts = {name: number for name, number in stats["messages"].items() if number or name in ("total", "sent")}
        print("statistics  " + ", ".join(f"{name} {number}" for name, number in counts.items()))
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


class Bar:
    """It redraws itself on a terminal; elsewhere it is a line for each status, because logs are read later."""

    def __init__(self) -> None:
        self._shown: tuple[str, int] | None = None

    def show(self, what: str, done: int, of: int, is_last: bool = False) -> None:
        on_terminal, before = sys.stdout.isatty(), self._shown
        is_news = before is None or (what, done) != before if on_terminal else before is None or what != before[0]
        if not is_news and not is_last:
            return
        self._shown = (what, done)
        filled = BAR * done // of if of else 0
        line = f"{what:10} [{'#' * filled}{'.' * (BAR - filled)}] {done}/{of}"
        print(f"\r{line}" if on_terminal else line, end="\n" if is_last or not on_terminal else "", flush=True)


if __name__ == "__main__":
    sys.exit(main())
