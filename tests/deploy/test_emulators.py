"""What the deploy completes on an emulator."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.deploy.emulators import complete_event_sources


class Gone(Exception):
    pass


class Lambdas:
    """A client of Lambda that lists a deleted mapping for some seconds, as LocalStack does."""

    meta = SimpleNamespace(endpoint_url="http://127.0.0.1:4566")
    exceptions = SimpleNamespace(ResourceNotFoundException=Gone)

    def __init__(self, deleted: str, *others: str) -> None:
        self.deleted = deleted
        self.listed = [deleted, *others]
        self.updated: list[str] = []

    def get_paginator(self, _: str) -> Any:
        arn = "arn:aws:lambda:us-east-1:000000000000:function:notifications-local-SendMessages-1"
        sources = [{"UUID": one, "FunctionArn": arn, "ScalingConfig": {}} for one in self.listed]
        return SimpleNamespace(paginate=lambda: [{"EventSourceMappings": sources}])

    def update_event_source_mapping(self, UUID: str, **_: Any) -> None:  # noqa: N803
        if self.deleted == UUID:
            raise Gone
        self.updated.append(UUID)


def test_a_mapping_of_a_deleted_stack_that_is_still_listed_does_not_fail_the_next_deploy() -> None:
    lambdas = Lambdas("old", "new", "newer")
    complete_event_sources(lambdas, "notifications-local")
    assert lambdas.updated == ["new", "newer"]
    complete_event_sources(lambdas, "notifications-prod")
    assert lambdas.updated == ["new", "newer"]


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
@pytest.mark.parametrize("has_ipv6", [False, True])
def test_no_mapping_is_touched_on_aws_whatever_its_domain(region: str, has_ipv6: bool) -> None:
    """A deployer may not change mappings: the end of the deploy would be refused."""
    lambdas = Lambdas("old", "new")
    client = boto3.client("lambda", region_name=region, config=Config(use_dualstack_endpoint=has_ipv6))
    lambdas.meta = SimpleNamespace(endpoint_url=client.meta.endpoint_url)
    complete_event_sources(lambdas, "notifications-local")
    assert lambdas.updated == []
