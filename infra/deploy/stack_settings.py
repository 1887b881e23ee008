"""Settings of the CloudFormation stack itself, and a template of one's own that is merged into ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import gradual
from .checks import NONE
from .errors import DeployFailed
from .options import limit_roles
from .package import ROOT

EXTRA_TEMPLATE = "ExtraTemplate"
"""The parameter with the path of the template that is merged into ours; a later deploy merges it again."""


@dataclass(frozen=True)
class StackSettings:
    """`role`: ARN of the role with which CloudFormation makes the resources; empty: that of the last deploy, or the
    caller's rights. `tags`: of the stack and all its resources; none: those of the last deploy.
    """

    role: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    def arguments(self) -> dict[str, Any]:
        """The arguments of CreateChangeSet. CloudFormation keeps what is left out.

        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
        """
        role = {"RoleARN": self.role} if self.role else {}
        return {**role, **({"Tags": [{"Key": key, "Value": value} for key, value in self.tags]} if self.tags else {})}


def read_stack_settings(environment: Mapping[str, str]) -> StackSettings:
    """From CLOUDFORMATION_ROLE and STACK_TAGS. Raises DeployFailed."""
    parts = [part.strip().partition("=") for part in environment.get("STACK_TAGS", "").split(",") if part.strip()]
    if wrong := [key for key, equals, _ in parts if not key or not equals]:
        raise DeployFailed(f"STACK_TAGS: tags such as team=sms,cost-center=12 are expected, not {wrong[0] or '='}")
    tags = tuple((key.strip(), value.strip()) for key, _, value in parts)
    return StackSettings(environment.get("CLOUDFORMATION_ROLE", "").strip(), tags)


def read_extra_template(path: str, project: Path) -> dict[str, Any]:
    """The template at this path, relative to the project; empty if there is no path. Raises DeployFailed.

    Without it the resources that it added would be deleted, so a deploy that cannot read it is refused.
    """
    if not path:
        return {}
    try:
        extra: dict[str, Any] = json.loads((project / path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DeployFailed(
            f"EXTRA_TEMPLATE={path}: a CloudFormation template in JSON is expected there, or EXTRA_TEMPLATE=none, "
            f"which removes what it added ({error})"
        ) from error
    return extra


def known_parameters(
    template: Mapping[str, Any], environment: Mapping[str, str], before: Mapping[str, str] | None
) -> dict[str, Any]:
    """The parameters of infra/stack.json, of what is added to it, and of the extra template of this deploy.

    Raises DeployFailed.
    """
    path = environment.get("EXTRA_TEMPLATE") or (before or {}).get(EXTRA_TEMPLATE, "")
    extra = read_extra_template("" if path == NONE else path, ROOT)
    return {**template["Parameters"], **gradual.PARAMETERS, **extra.get("Parameters", {})}


def merge_extra(template: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """As Chalice merges infra/stack.json: objects are joined, all else is replaced. New roles get the boundary."""
    merged = _joined(template, extra)
    limit_roles(merged["Resources"])
    return merged


def _joined(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    joined = {**ours}
    for name, value in theirs.items():
        there = ours.get(name)
        are_objects = isinstance(value, dict) and isinstance(there, dict)
        joined[name] = _joined(ours[name], value) if are_objects else value
    return joined
