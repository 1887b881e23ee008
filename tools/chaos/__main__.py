"""`make chaos`: inject faults into a local stack, scenario by scenario, and count lost and repeated messages."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from random import Random, randrange

from chalicelib.delivery.attempt import SECONDS_TO_SETTLE
from chalicelib.gateways.registry import NAMES
from chalicelib.settings import Settings
from infra.local.local_settings import any_settings
from infra.local.stack import DevStack, StackFailed
from infra.local.up import end_on_sigterm

from .audit import Verdict, audit
from .experiment import Target, announce, make_visible_sooner
from .failover import second_gateway
from .fault_proxy import FaultProxy
from .scenarios import SCENARIOS, Scenario

PATIENCE = 300
QUICK_PATIENCE = 100
VISIBLE_AGAIN = int(Settings().gateway_timeout + SECONDS_TO_SETTLE) + 3
"""Seconds until the send queue delivers a killed sender's messages again, with --quick. Above the time of a claim."""

HEAD = ["scenario", "clients", "posts", "repeated", "allowed", "lost", "outside", "in doubt", "counts", "recovered in"]
WIDTHS = [32, 8, 7, 9, 8, 6, 8, 9, 8, 13]


def main() -> int:
    options = _read_options()
    possible = [item for item in SCENARIOS if item.is_quick or not options.quick]
    chosen = [item for item in possible if options.only in item.name]
    if not chosen:
        kind, names = "quick scenario" if options.quick else "scenario", "; ".join(item.name for item in possible)
        print(f"chaos: no {kind} has {options.only!r} in its name: {names}", file=sys.stderr)
        return 2
    end_on_sigterm()
    print(
        f"gateway {options.gateway}, seed {options.seed}, {options.clients} clients"
        + (", then another one" if options.failover else "")
        + (", quick" if options.quick else ""),
        flush=True,
    )
    try:
        with _target(options) as target:
            return _run(target, chosen, options.seed)
    except StackFailed as error:
        print(f"chaos: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
    return 1


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer clients, shorter failures, a sweep every 3 s")
    parser.add_argument("--seed", type=int, default=randrange(10**6), help="seed of the random moments")  # noqa: S311
    parser.add_argument("--only", default="", help="run the scenarios with this text in their name")
    parser.add_argument("--clients", type=int, default=0, help="number of clients: 300, or 60 with --quick")
    parser.add_argument("--gateway", choices=NAMES, default=Settings.gateway, help="the provider (%(default)s)")
    parser.add_argument(
        "--failover", action="store_true", help="with a second gateway, which works, behind the attacked one"
    )
    options = parser.parse_args()
    options.clients = options.clients or (60 if options.quick else 300)
    return options


@contextmanager
def _target(options: argparse.Namespace) -> Iterator[Target]:
    logs = Path(tempfile.mkdtemp(prefix="notifications-chaos-"))
    chosen = replace(any_settings(), gateway=options.gateway)
    settings = replace(chosen, state_dir=str(logs / "state"), whole_batches=False)
    fault_proxy = FaultProxy(f"http://127.0.0.1:{settings.aws_port}")
    fault_proxy.start()
    try:
        with ExitStack() as stacks:
            stack = stacks.enter_context(DevStack(replace(settings, lambdas_aws_url=fault_proxy.url), logs))
            second = stacks.enter_context(second_gateway(stack)) if options.failover else None
            target = Target(stack, fault_proxy, options.clients, options.quick, second)
            if options.quick:
                make_visible_sooner(stack.outputs["SendQueueUrl"], VISIBLE_AGAIN)
            target.register_clients()
            yield target
    finally:
        fault_proxy.stop()


def _run(target: Target, scenarios: list[Scenario], seed: int) -> int:
    started = time.monotonic()
    _print_row(HEAD)
    verdicts = []
    for scenario in scenarios:
        with target.frequent_sweeps() if target.quick else nullcontext():
            verdict = _run_scenario(target, scenario, Random(f"{seed}/{scenario.name}"))  # noqa: S311
        verdicts.append(verdict)
        _print_row(_cells(scenario, verdict))
    held = sum(verdict.is_good for verdict in verdicts)
    print(f"{held} of {len(verdicts)} scenarios hold, in {time.monotonic() - started:.0f} s; seed {seed}", flush=True)
    return 0 if held == len(verdicts) else 1


def _run_scenario(target: Target, scenario: Scenario, random: Random) -> Verdict:
    for simulator in target.simulators:
        simulator.forget()
    target.simulator.behave(**scenario.gateway)
    target.fault_proxy.inject(**scenario.faults)
    experiment = announce(target, random, scenario.starts_in, scenario.lasts, scenario.fields())
    scenario.attack(experiment, random.uniform(1, 2) if target.quick else 30)
    attacked_until = time.monotonic()
    stats = experiment.await_end(QUICK_PATIENCE if target.quick else PATIENCE)
    recovered_in = time.monotonic() - attacked_until
    target.fault_proxy.inject()
    return audit(experiment, stats, scenario.may_end, recovered_in)


def _cells(scenario: Scenario, verdict: Verdict) -> list[str]:
    counts = "equal" if verdict.is_counted else "DIFFER"
    numbers = [verdict.clients, verdict.posts, verdict.repeated, verdict.allowed, verdict.lost, verdict.outside]
    return [scenario.name, *map(str, [*numbers, verdict.in_doubt]), counts, f"{verdict.recovered_in:.1f} s"]


def _print_row(cells: list[str]) -> None:
    name, *rest = zip(cells, WIDTHS, strict=True)
    print(name[0].ljust(name[1]) + "".join(cell.rjust(width) for cell, width in rest), flush=True)


if __name__ == "__main__":
    sys.exit(main())
