"""The calls that IAM decided about while the stack was running, and the rights of the deployed roles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3

from infra.local.deployment import STACK_NAME


@dataclass(frozen=True)
class Use:
    """A call that IAM decided about. `who`: the caller's ARN with the name of the role."""

    who: str
    action: str
    resource: str
    allowed: bool

    def is_by(self, function: str) -> bool:
        return f"/{STACK_NAME}-{function}Role-" in self.who.replace("-ApiHandlerRole-", "-APIHandlerRole-")


@dataclass(frozen=True)
class Right:
    """One action on one resource, of one statement of one role; `number` is the statement's."""

    role: str
    number: int
    action: str
    resource: str

    def allows(self, use: Use) -> bool:
        is_its_own = f":assumed-role/{self.role}/" in use.who
        return is_its_own and use.action == self.action and fnmatchcase(use.resource, self.resource)

    def __str__(self) -> str:
        return f"{self.role}: {self.action} on {self.resource}"


def read_trail(file: Path) -> list[Use]:
    return [Use(**json.loads(line)) for line in file.read_text().splitlines()]


def refusals(file: Path) -> list[Use]:
    return [use for use in read_trail(file) if not use.allowed]


def deployed_policies() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The statements by role and policy, with the ARNs that CloudFormation has filled in."""
    iam = boto3.client("iam")
    found = {}
    for role in iam.list_roles()["Roles"]:
        for policy in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            answer = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=policy)
            found[role["RoleName"], policy] = answer["PolicyDocument"]["Statement"]
    return found


def deployed_rights() -> list[Right]:
    return [
        Right(role, number, action, resource)
        for (role, _), statements in deployed_policies().items()
        for number, statement in enumerate(statements)
        for action in _as_list(statement["Action"])
        for resource in _as_list(statement["Resource"])
    ]


def _as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
