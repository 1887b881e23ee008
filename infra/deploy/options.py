"""What an account may require of every role, table, queue and log group, in the packaged template.

Each option is a parameter that is empty by default; then its condition leaves all of this out. It is added here and
not in infra/stack.json, so that no resource is forgotten: neither a new one nor one that Chalice makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

NOTHING = {"Ref": "AWS::NoValue"}
POSTS_TO_GATEWAY = "GATEWAY_SENDER"
"""The environment variable of functions that post to the gateway."""

ASKS_GATEWAY = {"GATEWAY_URL", "ASKS_QUEUE_URL"}
"""Those of functions that ask it for receipts, if the stack does that. One with the URL alone does not call it."""

KEY = {"Ref": "KmsKeyArn"}
VIA = [{"Fn::Sub": f"{name}.${{AWS::Region}}.${{AWS::URLSuffix}}"} for name in ("dynamodb", "s3", "sqs", "ssm")]
"""Services that use the key for a call of a function."""

USES_KEY = {
    "Sid": "UsesTheKeyOfTheStack",
    "Effect": "Allow",
    "Action": [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ],
    "Resource": KEY,
    "Condition": {"StringEquals": {"kms:ViaService": VIA}},
}
"""Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html"""

READS_BY_FORMER_KEY = {
    "Sid": "ReadsByTheFormerKey",
    "Effect": "Allow",
    "Action": ["kms:Decrypt"],
    "Resource": {"Ref": "FormerKmsKeyArn"},
    "Condition": {"StringEquals": {"kms:ViaService": VIA}},
}
"""Messages in queues and files stay encrypted with the key of their time, and without it nothing of a queue is read.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
"""

HAS_INTERFACES = {
    "Sid": "HasInterfacesInTheNetwork",
    "Effect": "Allow",
    "Action": [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ],
    "Resource": "*",
}
"""Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"""

SENDS_THROUGH_AWS = {
    "Sid": "SendsThroughAws",
    "Effect": "Allow",
    "Action": ["sms-voice:SendTextMessage"],
    "Resource": "*",
}
"""Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_pinpoint-sms-voice-v2.html"""

PARAMETERS = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}"
READS_SECRETS_OF_GATEWAYS = {
    "Sid": "ReadsTheSecretsOfItsGateways",
    "Effect": "Allow",
    "Action": ["ssm:GetParameter"],
    "Resource": {"Fn::Sub": f"{PARAMETERS}:parameter/${{AWS::StackName}}/gateway-token-*"},
}


def add_options(template: dict[str, Any]) -> None:
    """Change the packaged template in place."""
    resources = template["Resources"]
    limit_roles(resources)
    for kind, encrypt in ENCRYPTED.items():
        for _, properties in of_type(resources, kind):
            encrypt(properties)
    for _, function in of_type(resources, "AWS::Serverless::Function"):
        statements = statements_of(resources, function)
        statements.append(only_if("HasKey", USES_KEY))
        statements.append(only_if("HasFormerKey", READS_BY_FORMER_KEY))
        variables = function["Environment"]["Variables"]
        if variables.keys() >= ASKS_GATEWAY and POSTS_TO_GATEWAY not in variables:
            function["VpcConfig"] = only_if("AsksInNetwork", network())
            statements.append(only_if("AsksInNetwork", HAS_INTERFACES))
            statements.append(only_if("AsksSeveralGateways", READS_SECRETS_OF_GATEWAYS))
        if POSTS_TO_GATEWAY in variables:
            function["VpcConfig"] = only_if("HasNetwork", network())
            statements.append(only_if("HasNetwork", HAS_INTERFACES))
            statements.append(only_if("SendsThroughAws", SENDS_THROUGH_AWS))
            statements.append(only_if("HasSeveralGateways", READS_SECRETS_OF_GATEWAYS))


def limit_roles(resources: Mapping[str, Any]) -> None:
    for _, role in of_type(resources, "AWS::IAM::Role"):
        role["PermissionsBoundary"] = only_if("HasBoundary", {"Ref": "PermissionsBoundary"})


def network() -> dict[str, Any]:
    return {"SubnetIds": {"Ref": "GatewaySubnets"}, "SecurityGroupIds": {"Ref": "GatewaySecurityGroups"}}


def only_if(condition: str, value: Any, otherwise: Any = NOTHING) -> dict[str, Any]:
    return {"Fn::If": [condition, value, otherwise]}


def of_type(resources: Mapping[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Logical ids and properties."""
    for name, resource in resources.items():
        if resource.get("Type") == kind:
            yield name, resource.setdefault("Properties", {})


def statements_of(resources: Mapping[str, Any], function: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements of the function's role: it has one policy, which Chalice makes from .chalice/policies."""
    role = resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]
    (policy,) = role["Policies"]
    statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return statements


def _encrypt_table(table: dict[str, Any]) -> None:
    table["SSESpecification"] = only_if("HasKey", {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY})


def _encrypt_queue(queue: dict[str, Any]) -> None:
    """SQS takes a key or encrypts by itself, not both."""
    queue["SqsManagedSseEnabled"] = only_if("HasKey", NOTHING, True)
    queue["KmsMasterKeyId"] = only_if("HasKey", KEY)


def _encrypt_bucket(bucket: dict[str, Any]) -> None:
    with_key = {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
        "BucketKeyEnabled": True,
    }
    own = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
    bucket["BucketEncryption"] = {"ServerSideEncryptionConfiguration": [only_if("HasKey", with_key, own)]}


def _encrypt_topic(topic: dict[str, Any]) -> None:
    topic["KmsMasterKeyId"] = only_if("HasKey", KEY)


def _encrypt_log_group(group: dict[str, Any]) -> None:
    group["KmsKeyId"] = only_if("HasKey", KEY)


ENCRYPTED: dict[str, Callable[[dict[str, Any]], None]] = {
    "AWS::DynamoDB::Table": _encrypt_table,
    "AWS::SQS::Queue": _encrypt_queue,
    "AWS::S3::Bucket": _encrypt_bucket,
    "AWS::SNS::Topic": _encrypt_topic,
    "AWS::Logs::LogGroup": _encrypt_log_group,
}
