"""`make demo`: import a CSV of clients, send a mailing to the simulator, and compare all counts."""

from __future__ import annotations

import csv
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import requests

from chalicelib.domain.client import Client
from chalicelib.gateways.registry import provider

from .calls import calls_since
from .local_settings import LocalSettings
from .seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from .service import free_port
from .stack import DevStack, StackFailed
from .up import end_on_sigterm, read_settings

CLIENTS = Path(__file__).with_name("clients.csv")
TAGS = ["друзья", "постоянные", "новые", "vip", "москва", "акция"]
CODES = ["900", "903", "905", "910", "912", "914", "915", "916", "917", "918", "919", "920", "921"]
CODES += ["922", "925", "926", "950", "951", "961", "977", "978", "981", "999"]
STARTS_IN = timedelta(seconds=2)
PATIENCE_SECONDS = 75
POLL_SECONDS = 0.5
BAR = 40
OF_PROVIDER = ("GATEWAY", "GATEWAY_SENDER", "GATEWAY_OPTIONS", "GATEWAY_TOKEN", "RECEIPTS")
RECEIPTS = {"receipts": 1.0, "undelivered": 0.1, "receipt_repeats": 1, "receipt_disorder": True, "receipt_forgery": 0.1}
"""With RECEIPTS=true: how the simulator reports deliveries."""
NEXT = f"""
Next:
  make up            the same stack, until Ctrl-C: the console is at http://127.0.0.1:{LocalSettings.port}/console/
                     (user {LOCAL_USER}, password {LOCAL_PASSWORD}), and the API
  README.md          a mailing of your own by curl, and how to deploy into an AWS account
  docs/              operations, reliability, performance, rights"""


def main() -> int:
    end_on_sigterm()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # so that a log shows each line at once
    logs = Path(tempfile.mkdtemp(prefix="notifications-demo-"))
    try:
        with DevStack(demo_settings(os.environ), logs) as stack:
            return Demo(stack).run()
    except StackFailed as error:
        print(f"demo: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
    return 1


def demo_settings(environment: Mapping[str, str]) -> LocalSettings:
    """A stack with free ports and the simulator of GATEWAY. Raises StackFailed."""
    given = read_settings({name: environment.get(name, "") for name in OF_PROVIDER})
    return replace(given, port=free_port(), aws_port=free_port(), simulator_port=None, counts_calls=True)


class Demo:
    def __init__(self, stack: DevStack) -> None:
        assert stack.simulator is not None
        self.stack = stack
        self.simulator = stack.simulator
        self.polls = 0
        self.counted_from = time.time()
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"

    def patience(self, clients: int) -> float:
        """Seconds that a mailing to so many clients may take, with the rate of the provider."""
        rate = provider(self.stack.settings.gateway).CAPABILITIES.rate
        return PATIENCE_SECONDS + (clients / rate if rate else 0)

    def run(self) -> int:
        rows = list(csv.DictReader(CLIENTS.open(encoding="utf-8"), delimiter=";"))
        clients = [Client(number, row["phone_number"], row["tag"]) for number, row in enumerate(rows, start=1)]
        chosen = {client.phone_number for client in clients if client.tag in TAGS and client.operator_code in CODES}
        if self.stack.settings.receipts:
            self.simulator.behave(**RECEIPTS)
        self._import(len(rows))
        self.counted_from = time.time()
        mailing = self._announce()
        print(f"mailing {mailing['id']} starts at {mailing['datetime_start']} for {len(chosen)} of these clients")
        stats = self._await_receipts(mailing["id"], self._watch(mailing["id"], len(chosen)))
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
            raise StackFailed(f"{method} {path} returned {response.status_code}: {response.text[:300]}")
        answer: dict[str, Any] = response.json()
        return answer

    def _import(self, rows: int) -> None:
        """Send the file as an operator does, and poll the import until it ends."""
        print(f"POST /Clients/import/ with {CLIENTS.name}")
        started = time.monotonic()
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/Clients/import/?file_name={CLIENTS.name}"
        client_import = self._request("POST", path, data=CLIENTS.read_bytes(), headers=headers)
        bar = Bar()
        while client_import["status"] == "running" and time.monotonic() - started < PATIENCE_SECONDS:
            bar.show("clients", client_import["rows"], rows)
            time.sleep(POLL_SECONDS)
            client_import = self._call("GET", f"/Clients/import/{client_import['id']}/")
        bar.show("clients", client_import["added"], rows, is_last=True)
        if client_import["status"] != "finished" or client_import["added"] != rows:
            raise StackFailed(f"{rows} clients should have been added: {client_import}")
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
        """Calls since the mailing was announced, without the two of each request for its statistics."""
        return calls_since(self.stack.aws_url, self.counted_from) - 2 * self.polls

    def _watch(self, mailing_id: int, expected: int) -> dict[str, Any]:
        deadline = time.monotonic() + self.patience(expected)
        bar = Bar()
        while True:
            stats = self._call("GET", f"/Stats/{mailing_id}/?limit=1")
            self.polls += 1
            messages = stats["messages"]
            is_last = stats["status"] == "finished" or time.monotonic() > deadline
            bar.show(stats["status"], messages["total"] - messages["queued"], expected, is_last)
            if is_last:
                return stats
            time.sleep(POLL_SECONDS)

    def _await_receipts(self, mailing_id: int, stats: dict[str, Any]) -> dict[str, Any]:
        """Until the statistics have what the simulator has reported, or have not changed for a while.

        They begin as those of the finished mailing.
        """
        changed_at, before = time.monotonic(), 0
        reporter, bar = self.simulator.reporter, Bar()
        while not (reporter.is_done and self._reported.items() <= stats["messages"].items()):
            counted = stats["messages"]["delivered"] + stats["messages"]["undelivered"]
            if counted != before:
                changed_at, before = time.monotonic(), counted
            if time.monotonic() - changed_at > PATIENCE_SECONDS:
                break
            bar.show("receipts", counted, len(reporter.outcomes))
            time.sleep(POLL_SECONDS)
            stats = self._call("GET", f"/Stats/{mailing_id}/?limit=1")
            self.polls += 1
        if reporter.forged:
            print(f"forgeries   {reporter.forged.total()}, answered with {sorted(reporter.forged)}")
        return stats

    @property
    def _reported(self) -> Counter[str]:
        """The messages by the status that the simulator has reported."""
        return Counter(self.simulator.reporter.outcomes.values())

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
        """Compare the clients chosen from the CSV, the statistics, and the messages that the gateway received."""
        summary = self.simulator.seen.summary()
        expected = dict.fromkeys(stats["messages"], 0) | {"total": len(chosen), "sent": len(chosen)} | self._reported
        faults = []
        if stats["status"] != "finished":
            faults.append(f"the mailing is {stats['status']}, not finished, after {self.patience(len(chosen)):.0f} s")
        if stats["messages"] != expected:
            faults.append(f"the statistics should be {expected}")
        if summary["distinct"] != len(chosen) or summary["repeated"]:
            faults.append(f"the gateway should have received {len(chosen)} ids, each once")
        for line in faults:
            print(f"demo: {line}", file=sys.stderr)
        if not faults:
            print(f"all {len(chosen)} messages are accounted for")
        return 1 if faults else 0


class Bar:
    """A progress bar. On a terminal it is drawn in place; elsewhere, as in a log, it prints a line for each status."""

    def __init__(self) -> None:
        self._shown: tuple[str, int] | None = None

    def show(self, what: str, done: int, of: int, is_last: bool = False) -> None:
        on_terminal, before = sys.stdout.isatty(), self._shown
        is_new = before is None or (what, done) != before if on_terminal else before is None or what != before[0]
        if not is_new and not is_last:
            return
        self._shown = (what, done)
        filled = BAR * done // of if of else 0
        line = f"{what:10} [{'#' * filled}{'.' * (BAR - filled)}] {done}/{of}"
        print(f"\r{line}" if on_terminal else line, end="\n" if is_last or not on_terminal else "", flush=True)


if __name__ == "__main__":
    sys.exit(main())
