"""The knobs of the hostile AWS: one field for each behaviour of the real services. `OFF` has none of them, `ON` all.

[DOC]: the documentation of AWS. [BOTO]: seen in the code of botocore. [KNOW]: general knowledge. Sources of each:
docs/RELIABILITY.md, "A hostile AWS".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from infra.local.doubles.partition import PARTITION_READS, PARTITION_WRITES

ROOT = Path(__file__).parents[4]

CHAIN = 16
"""Lambda stops a function that was invoked more often in one chain of events [DOC: "approximately 16 times"]."""

IN_FLIGHT = 120_000
"""Messages of a standard queue that are received and not deleted [DOC]."""


@dataclass(frozen=True)
class Knobs:
    """Chances are between 0 and 1, for each call unless another thing is named. Durations are in seconds.

    DynamoDB
    - `throttled`: a single call is refused after botocore's own retries [DOC].
    - `partly_throttled`: a batch is done in part, and the rest stays unprocessed [DOC].
    - `write_units`, `read_units`: what a partition takes in a second; None is no limit [DOC].
    - `held`: a write meets a transaction that holds its item, for up to `held_for` [DOC, KNOW].
    - `index_lag`: how far an index and an approximate number lag behind, at most [DOC].
    - `read_lag`: the same for reads of a table without ConsistentRead [DOC].
    - `lost_answer`: a call takes effect, its answer is lost, and botocore makes the call again [BOTO].
    - `no_answer`: a call takes effect and no retry gets an answer: the caller sees an error [BOTO].
    - `deletes_expired`: the time to live deletes what has expired, at once [DOC].

    SQS
    - `redelivered`: a message comes again after it was deleted [DOC].
    - `unordered`: messages come in no order [DOC].
    - `dead_lettered`: a message is received too often and goes to the dead letters; for each receive [DOC].
    - `part_refused`: SQS refuses a part of a batch of give-backs [DOC].
    - `in_flight`, `max_receives`: the limits of a queue [DOC; infra/stack.json].

    Lambda
    - `slow`: the processor is busy or waits, for each invocation: each call takes up to `slow_call` [DOC, KNOW].
    - `chain`: invocations of one function in one chain of events; None is no limit [DOC, BOTO].
    - `no_concurrency`: the account has no free concurrency, so an invocation does not begin; for each one [DOC].
    - `idle_socket`: a container that was frozen for longer has dead connections to the gateway; None: never [KNOW].
    - `skew`: the largest difference between the clocks of two containers [KNOW].
    - `overlap`: another invocation or a call of the API runs between two calls or during a post [KNOW].

    Scheduler. Its ConflictException and ResourceNotFoundException are below the port, in the adapter's own tests.
    - `doubled`, `lost`: for each firing; `late`: how late a firing is, at most [DOC].
    """

    throttled: float = 0.0
    partly_throttled: float = 0.0
    write_units: float | None = None
    read_units: float | None = None
    held: float = 0.0
    held_for: float = 0.0
    index_lag: float = 0.0
    read_lag: float = 0.0
    lost_answer: float = 0.0
    no_answer: float = 0.0
    deletes_expired: bool = False
    redelivered: float = 0.0
    unordered: bool = False
    dead_lettered: float = 0.0
    part_refused: float = 0.0
    in_flight: int = IN_FLIGHT
    max_receives: int = 1000
    slow: float = 0.0
    slow_call: float = 0.0
    chain: int | None = None
    no_concurrency: float = 0.0
    idle_socket: float | None = None
    skew: float = 0.0
    overlap: float = 0.0
    doubled: float = 0.0
    lost: float = 0.0
    late: float = 0.0


OFF = Knobs()

ON = Knobs(
    throttled=0.03,
    partly_throttled=0.1,
    write_units=PARTITION_WRITES,
    read_units=PARTITION_READS,
    held=0.05,
    held_for=0.08,
    index_lag=3.0,
    read_lag=1.0,
    lost_answer=0.04,
    no_answer=0.02,
    deletes_expired=True,
    redelivered=0.1,
    unordered=True,
    dead_lettered=0.01,
    part_refused=0.05,
    slow=0.15,
    slow_call=6.0,
    chain=CHAIN,
    no_concurrency=0.05,
    idle_socket=60.0,
    skew=2.0,
    overlap=0.03,
    doubled=0.1,
    lost=0.1,
    late=60.0,
)


@cache
def timeouts() -> dict[str, float]:
    """The timeout of each function, in seconds."""
    functions = json.loads((ROOT / ".chalice/config.json").read_text())["lambda_functions"]
    return {name: float(function["lambda_timeout"]) for name, function in functions.items()}


@cache
def recursive_functions() -> frozenset[str]:
    """The functions with `RecursiveLoop: Allow`, by their names in .chalice/config.json."""
    resources: dict[str, Any] = json.loads((ROOT / "infra/stack.json").read_text())["Resources"]
    allowed = {
        name
        for name, resource in resources.items()
        if resource.get("Properties", {}).get("RecursiveLoop", "Terminate") == "Allow"
    }
    return frozenset(name for name in timeouts() if "".join(map(str.capitalize, name.split("_"))) in allowed)
