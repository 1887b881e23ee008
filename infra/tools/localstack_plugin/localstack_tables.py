"""A plugin of LocalStack's core (PROVIDER_OVERRIDE_DYNAMODB=elsewhere): TABLES_URL answers all calls of DynamoDB.

The core's own provider needs DynamoDB Local, which is not a Python package. moto's tables, which the core has too,
copy whole tables in a transaction, and without a lock.
"""

from __future__ import annotations

import os

from localstack.aws.api.dynamodb import DynamodbApi
from localstack.aws.forwarder import HttpFallbackDispatcher
from localstack.services.plugins import Service, ServiceLifecycleHook
from localstack.services.providers import aws_provider


class NoOperations(DynamodbApi, ServiceLifecycleHook):
    """Has no operation of its own, so that each is forwarded."""


@aws_provider(api="dynamodb", name="elsewhere")
def dynamodb_elsewhere() -> Service:
    url = os.environ["TABLES_URL"]

    def forwarding(provider: object) -> object:
        return HttpFallbackDispatcher(provider, lambda _account, _region: url)

    return Service.for_provider(NoOperations(), dispatch_table_factory=forwarding)
