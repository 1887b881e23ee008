"""Groups of tests that run in one process under pytest-xdist. The groups are written out because pytest-xdist 3.8
silently ignores its own `xdist_group` marks with pytest 9.2.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScopeScheduling

PARTS = {
    **{
        f"e2e/test_console{part}.py": "the stack of the console"
        for part in ("", "_flow", "_forms", "_manners", "_pages")
    },
    **{f"e2e/test_{name}.py": "the stack of the deploys" for name in ("deploy", "deployer", "gradual", "upgrade")},
}
"""Parts of the tests that share a stack: each in a process of its own, with another stack."""

STACKS = PARTS | {
    "e2e": "the shared stack",
    "e2e/test_chalice_local.py": "stacks of their own",
    "e2e/test_chaos.py": "a stack that is broken",
    "e2e/test_localstack.py": "stacks of their own",
    "e2e/test_up.py": "stacks of their own",
    "rights": "a stack that loses rights",
    "stack/test_deploy_on_moto.py": "the template",
}
"""Tests that need a stack, by folder and file. The tests of a group run in one process and in their order."""

SHARED = {"stack": "the template", "adapters/test_cost.py": "what a mailing costs"}
"""Other tests that share an expensive fixture."""

WAITING = {"adapters/test_faults.py": "waiting", "adapters/test_gateway_deadline.py": "waiting"}
"""Tests that wait for sockets: in one process, so that the others have the processors meanwhile."""

QUICK = {"bench", "deploy", "domain", "doubles", "http", "tools", "usecases"}
"""Folders whose tests take milliseconds: a file is a group, because to hand out each test alone takes as long."""


def needs_stack(path: str) -> bool:
    """`path`: of a file, relative to the folder of tests, such as e2e/test_mailing.py."""
    return _found(STACKS, path) is not None


def group_of(nodeid: str) -> str:
    """Every other test is its own group."""
    file = nodeid.partition("::")[0]
    path = file.rpartition("tests/")[2]
    alone = file if path.partition("/")[0] in QUICK else nodeid
    return _found(STACKS | WAITING | SHARED, path) or alone


def order_of(path: str) -> int:
    """Stacks take longest and other groups are next. Quick files come last, so that all processes end together."""
    if needs_stack(path):
        return 0
    if _found(WAITING | SHARED, path) is not None:
        return 1
    return 3 if path.partition("/")[0] in QUICK else 2


def _found(groups: dict[str, str], path: str) -> str | None:
    """By the file, or else by its folder."""
    return groups.get(path) or groups.get(path.partition("/")[0])


class InGroups(LoadScopeScheduling):
    """A process that has done its tests takes the next group, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def make_scheduler(config: Any, log: Any) -> InGroups:
    config.option.loadscopereorder = False
    return InGroups(config, log)
