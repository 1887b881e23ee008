"""Groups of tests that run in one process under pytest-xdist. The groups are written out because pytest-xdist 3.8
silently ignores its own `xdist_group` marks with pytest 9.2.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScopeScheduling

STACKS = {
    "e2e": "the shared stack",
    "e2e/test_chalice_local.py": "stacks of their own",
    "e2e/test_chaos.py": "a stack that is broken",
    "e2e/test_localstack.py": "stacks of their own",
    "e2e/test_up.py": "stacks of their own",
    "rights": "a stack that loses rights",
    "stack/test_deploy_on_moto.py": "the template",
}
"""Tests that need a stack, by folder and file: those of one group run in one process and in their order."""

SHARED = {"stack": "the template", "adapters/test_cost.py": "what a mailing costs"}
"""Other tests that share what takes long to make."""


def needs_stack(path: str) -> bool:
    """`path`: of a file, relative to the folder of tests, such as e2e/test_mailing.py."""
    return _found(STACKS, path) is not None


def group_of(nodeid: str) -> str:
    """Every other test is its own group."""
    path = nodeid.partition("::")[0].rpartition("tests/")[2]
    return _found(STACKS, path) or _found(SHARED, path) or nodeid


def _found(groups: dict[str, str], path: str) -> str | None:
    """By the file, or else by its folder."""
    return groups.get(path) or groups.get(path.partition("/")[0])


class InGroups(LoadScopeScheduling):
    """Large groups come first. A process without a group takes single tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def make_scheduler(config: Any, log: Any) -> InGroups:
    return InGroups(config, log)
