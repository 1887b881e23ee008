"""The deployed stack: rights, limits, and the names that the template and the code share."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import pytest
from botocore import xform_name
from pynamodb.models import Model

from bench.aws_limits import ACCOUNT_EXECUTIONS
from chalicelib.adapters.tables.audit import AuditRow
from chalicelib.adapters.tables.balances import BALANCES
from chalicelib.adapters.tables.client_row import ClientRow, PhoneRow
from chalicelib.adapters.tables.counters import CounterRow
from chalicelib.adapters.tables.drafts import DraftRow
from chalicelib.adapters.tables.erasures import ErasureRow
from chalicelib.adapters.tables.idempotency_keys import IdempotencyKeyRow
from chalicelib.adapters.tables.import_row import ImportRow
from chalicelib.adapters.tables.labels import LabelRow
from chalicelib.adapters.tables.mailing_row import MailingRow
from chalicelib.adapters.tables.message_row import MessageRow
from chalicelib.adapters.tables.rates import RateRow
from chalicelib.adapters.tables.reports import ReportRow
from chalicelib.adapters.tables.segments import SegmentRow
from chalicelib.adapters.tables.series import SeriesRow
from chalicelib.adapters.tables.slices import SliceRow
from chalicelib.adapters.tables.tokens import TokenRow
from chalicelib.adapters.tables.users import AttemptsRow, UserRow
from chalicelib.api.authorizer import TTL_SECONDS
from chalicelib.api.response_headers import HTTPS_ONLY, SAFE_HEADERS
from chalicelib.domain.audience import MAX_SLICES
from chalicelib.domain.client_import import KEPT, TRACES_KEPT
from chalicelib.reports.daily import SCHEDULED_TIME
from chalicelib.settings import Settings
from chalicelib.workers.send_queue import ASK_BALANCES
from infra.deploy import ROOT
from infra.deploy.capacity import WARM_TABLES
from infra.deploy.checks import LONGEST_STAGE, stack_name_of

FUNCTIONS = {"APIHandler", "TokenAuth", "StartMailing", "RunJobs", "SendMessages", "Sweep"}
FUNCTIONS |= {"ManageTokens", "ManageUsers", "RedriveDeadLetters", "ImportClients", "StartImport", "SendReport"}
FUNCTIONS |= {"SettleReceipts", "CopyAudit"}
OPEN_TO_ALL = {"/", "/docs", "/docs/{name}", "/openapi.json", "/console/static/{name}"}
ROUTES_WITH_OWN_SECRET = {"/Receipts", "/Receipts/{gateway}/{key}"}
WILD = {
    "WritesItsOwnLog": "CloudFormation appends characters to a function's name, and Lambda names the log streams",
    "KeepsTheSchedulesOfMailings": "a schedule has its mailing's id in its name",
    "SendsEmailsOfItsSender": "the sender may be verified as an address or as any domain above it, in SES's sandbox "
    "every recipient is an identity as well, and the owner of the account names the configuration sets; a condition "
    "restricts the sender address",
    "XRayKnowsNoResources": "the service authorization reference has no resource for either of its actions",
    "HasInterfacesInTheNetwork": "Lambda names the interfaces of functions in a VPC, and EC2 describes all or none",
    "SendsThroughAws": "AWS may choose the number itself, and a shared number belongs to another account",
    "ReadsTheSecretsOfItsGateways": "each gateway has a secret, and GATEWAYS names the gateways",
    "KeepsUploadsForADay": "the name of an upload is random",
    "PutsTheFilesOfImports": "a file has its import's id in its name",
    "KeepsWhatAnUndoNeeds": "an object has the ids of its import and of its chunk in its name",
    "PutsCopiesOfAuditRecords": "a copy has the day and the number of its record in its name",
    "ReadsTheFilesOfImports": "a file that was put into the bucket by hand has the name that a person gave it",
}
"""Statements with a `*` in a resource, by their Sid, with the reason."""

EVERYWHERE = {"XRayKnowsNoResources", "HasInterfacesInTheNetwork", "SendsThroughAws"}
"""Of them, those on all resources. No stack has them unless a person asks for tracing, a network or `GATEWAY=aws`."""

POLLS = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
"""Calls that Lambda makes with a function's role to receive from a queue (AWS: Lambda developer guide, "Using Lambda
with Amazon SQS"). MiniStack's own poller makes no calls with the role."""

LONGEST_FUNCTION_NAME = 64
SUFFIX = 13
"""Characters that CloudFormation appends to a name."""

EVENT_SOURCES = {"RunJobs": "JobsQueue", "SendMessages": "SendQueue", "ImportClients": "ImportsQueue"}
EVENT_SOURCES |= {"SettleReceipts": "ReceiptsQueue"}
OF_THE_SCHEDULER = {"SchedulerRole", "ReportScheduleRole"}


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == kind}


def statements(resources: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The statements of every role, with its name, including those that only some stacks have."""
    roles = of_type(resources, "AWS::IAM::Role").items()
    policies = [(name, policy["PolicyDocument"]) for name, role in roles for policy in role["Policies"]]
    return [(name, unconditional(statement)) for name, policy in policies for statement in policy["Statement"]]


def unconditional(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement as it is where its condition holds."""
    found: dict[str, Any] = statement["Fn::If"][1] if "Fn::If" in statement else statement
    return found


def rights_of(resources: dict[str, Any], function: str) -> list[dict[str, Any]]:
    role = "ApiHandlerRole" if function == "APIHandler" else f"{function}Role"
    return [statement for name, statement in statements(resources) if name == role]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def by_name(schema: list[dict[str, str]]) -> dict[str, str]:
    return {key["AttributeName"]: key["KeyType"] for key in schema}


def test_the_stack_has_these_functions(functions: dict[str, Any]) -> None:
    assert set(functions) == FUNCTIONS


def test_each_function_has_its_own_role(functions: dict[str, Any]) -> None:
    roles = [json.dumps(function["Role"]) for function in functions.values()]
    assert len(set(roles)) == len(FUNCTIONS)


def test_a_wildcard_is_used_only_where_aws_requires_it(resources: dict[str, Any]) -> None:
    wild = set()
    for name, statement in statements(resources):
        assert "*" not in json.dumps(statement["Action"]), name
        if "*" in json.dumps(statement["Resource"]):
            wild.add(statement["Sid"])
            assert "*" not in as_list(statement["Resource"]) or statement["Sid"] in EVERYWHERE
    assert wild == set(WILD)


def test_every_statement_says_what_it_allows_and_not_what_it_leaves_out(resources: dict[str, Any]) -> None:
    for _, statement in statements(resources):
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & set(statement)


def test_a_function_writes_to_its_own_log_group_and_creates_none(resources: dict[str, Any]) -> None:
    for function in FUNCTIONS:
        (log,) = [one for one in rights_of(resources, function) if one.get("Sid") == "WritesItsOwnLog"]
        assert log["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        group = f":log-group:/aws/lambda/${{AWS::StackName}}-{function}-*:*"
        assert log["Resource"]["Fn::Sub"].endswith(group)
        assert len(stack_name_of("x" * LONGEST_STAGE)) + len(f"-{function}-") + SUFFIX <= LONGEST_FUNCTION_NAME


def test_lambda_may_receive_from_the_queue_of_the_function(resources: dict[str, Any]) -> None:
    for function, queue in EVENT_SOURCES.items():
        arn = {"Fn::GetAtt": [queue, "Arn"]}
        given = [one["Action"] for one in rights_of(resources, function) if one["Resource"] == arn]
        assert set().union(*given) >= POLLS, function


def test_the_scheduler_gets_one_role_that_may_only_start_mailings(resources: dict[str, Any]) -> None:
    actions = "scheduler:CreateSchedule", "iam:PassRole"
    makers, passers = ({name for name, one in statements(resources) if action in one["Action"]} for action in actions)
    assert makers == passers
    for _, given in statements(resources):
        if "iam:PassRole" in given["Action"]:
            assert given["Resource"] == {"Fn::GetAtt": ["SchedulerRole", "Arn"]}
            assert given["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    (start,) = [one for name, one in statements(resources) if name == "SchedulerRole"]
    assert (start["Action"], start["Resource"]) == ("lambda:InvokeFunction", {"Fn::GetAtt": ["StartMailing", "Arn"]})


def test_a_role_can_be_assumed_by_one_service_and_for_schedules_by_one_group(resources: dict[str, Any]) -> None:
    groups = {"SchedulerRole": "${AWS::StackName}", "ReportScheduleRole": "default"}
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = "scheduler" if name in groups else "lambda"
        assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
        if name in groups:
            source = trust["Condition"]["StringEquals"]
            assert source["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
            assert source["aws:SourceArn"]["Fn::Sub"].endswith(f":schedule-group/{groups[name]}")


def test_failed_messages_are_returned_one_by_one(resources: dict[str, Any]) -> None:
    sources = of_type(resources, "AWS::Lambda::EventSourceMapping")
    asks = sources.pop("AsksForReceipts")
    assert asks["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert asks["FunctionName"] == {"Ref": "SettleReceipts"}
    found = {source["FunctionName"]["Ref"]: source for source in sources.values()}
    assert set(found) == set(EVENT_SOURCES)
    for function, queue in EVENT_SOURCES.items():
        assert found[function]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert found[function]["EventSourceArn"] == {"Fn::Sub": f"${{{queue}.Arn}}"}
    assert found["SendMessages"]["BatchSize"] == 100
    assert found["ImportClients"]["BatchSize"] == 1
    assert found["SendMessages"]["MaximumBatchingWindowInSeconds"] >= 1


def test_one_function_may_send_to_the_queue_that_invokes_it_and_aws_stops_endless_chains(
    resources: dict[str, Any], functions: dict[str, Any]
) -> None:
    """docs/RELIABILITY.md has the chains. None needs `RecursiveLoop: Allow`, so the detection of AWS stays on."""
    sends_to_itself = {
        function
        for function, queue in EVENT_SOURCES.items()
        for right in rights_of(resources, function)
        if "sqs:SendMessage" in as_list(right["Action"]) and queue in json.dumps(right["Resource"])
    }
    assert sends_to_itself == {"RunJobs"}
    assert all(function.get("RecursiveLoop", "Terminate") == "Terminate" for function in functions.values())


def test_the_visibility_timeout_is_longer_than_the_timeout_of_the_function(
    resources: dict[str, Any], functions: dict[str, Any]
) -> None:
    queues = of_type(resources, "AWS::SQS::Queue")
    for function, queue in EVENT_SOURCES.items():
        assert queues[queue]["VisibilityTimeout"] > functions[function]["Timeout"]
        assert queues[queue]["RedrivePolicy"]["maxReceiveCount"] == 1000, (
            "a queue message is retried until its deadline"
        )
        assert queues[queue]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_the_environment_has_the_variables_of_the_settings_and_no_secret(functions: dict[str, Any]) -> None:
    known = {setting.name.upper() for setting in fields(Settings)} | {"POWERTOOLS_LOG_LEVEL", "POWERTOOLS_SERVICE_NAME"}
    for name, function in functions.items():
        variables = function["Environment"]["Variables"]
        assert set(variables) <= known, name
        assert {"STAGE", "STACK_NAME", "SEND_QUEUE_URL", "JOBS_QUEUE_URL", "DEAD_LETTERS_URL"} <= set(variables)
        assert {"IMPORTS_QUEUE_URL", "IMPORTS_BUCKET", "RECEIPTS_QUEUE_URL", "RECEIPTS"} <= set(variables)
        assert not [variable for variable in variables if "TOKEN" in variable or "SECRET" in variable]
        reports = {variable for variable in variables if variable.startswith("REPORT_")}
        assert len(reports) == {"SendReport": 5, "SendMessages": 1, "APIHandler": 1}.get(name, 0), name
    for name in ("SendMessages", "APIHandler"):
        assert "GATEWAY_URL" in functions[name]["Environment"]["Variables"], "test messages are posted from there"
    assert {"START_MAILING_ARN", "SCHEDULER_ROLE_ARN"} <= set(functions["APIHandler"]["Environment"]["Variables"])


ROWS: dict[str, type[Model]] = {
    "clients": ClientRow,
    "phones": PhoneRow,
    "mailings": MailingRow,
    "segments": SegmentRow,
    "series": SeriesRow,
    "drafts": DraftRow,
    "messages": MessageRow,
    "slices": SliceRow,
    "rates": RateRow,
    "imports": ImportRow,
    "idempotency-keys": IdempotencyKeyRow,
    "reports": ReportRow,
    "tokens": TokenRow,
    "users": UserRow,
    "attempts": AttemptsRow,
    "labels": LabelRow,
    "erasures": ErasureRow,
    "audit": AuditRow,
    "counters": CounterRow,
}
"""The models by the names of their tables."""


@pytest.mark.parametrize(("table", "model"), ROWS.items())
def test_a_table_has_the_keys_and_indexes_of_its_adapter(
    resources: dict[str, Any], model: type[Model], table: str
) -> None:
    tables = of_type(resources, "AWS::DynamoDB::Table").values()
    found = next(one for one in tables if one["TableName"] == {"Fn::Sub": f"${{AWS::StackName}}-{table}"})
    schema = model._get_schema()
    assert by_name(found["KeySchema"]) == by_name(schema["key_schema"])
    indexes = {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", [])}
    wanted = {index["index_name"]: index for index in schema["global_secondary_indexes"]}
    assert set(indexes) == set(wanted)
    for name, index in wanted.items():
        assert by_name(indexes[name]["KeySchema"]) == by_name(index["key_schema"])
        assert indexes[name]["Projection"] == index["projection"]
    types = {one["AttributeName"]: one["AttributeType"] for one in found["AttributeDefinitions"]}
    assert types == {one["AttributeName"]: one["AttributeType"] for one in schema["attribute_definitions"]}
    assert found["BillingMode"] == "PAY_PER_REQUEST", "an idle stack costs nothing"


def test_the_report_is_sent_at_its_time_in_its_zone_and_only_from_its_sender(resources: dict[str, Any]) -> None:
    schedule = of_type(resources, "AWS::Scheduler::Schedule")["ReportSchedule"]
    expression, parts = schedule["ScheduleExpression"]["Fn::Sub"]
    assert expression == "cron(${Minute} ${Hour} * * ? *)"
    cut = {"Fn::Split": [":", {"Ref": "ReportTime"}]}
    assert parts == {"Hour": {"Fn::Select": [0, cut]}, "Minute": {"Fn::Select": [1, cut]}}
    assert schedule["ScheduleExpressionTimezone"] == {"Ref": "ReportTimezone"}
    assert json.loads(schedule["Target"]["Input"]) == {"scheduled": SCHEDULED_TIME}
    assert schedule["Target"]["Arn"] == {"Fn::GetAtt": ["SendReport", "Arn"]}
    assert schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600
    role = of_type(resources, "AWS::IAM::Role")["ReportScheduleRole"]
    (statement,) = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == schedule["Target"]["Arn"]
    (mail,) = [one for one in rights_of(resources, "SendReport") if "ses:SendRawEmail" in one["Action"]]
    assert mail["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "ReportSender"}}}
    kinds = [one["Fn::Sub"].rpartition("${AWS::AccountId}:")[2] for one in mail["Resource"]]
    assert kinds == ["identity/*", "configuration-set/*"], "an identity may have a default configuration set"


def test_every_method_of_the_api_has_the_authorizer(resources: dict[str, Any]) -> None:
    body = of_type(resources, "AWS::ApiGateway::RestApi")["RestAPI"]["Body"]
    for path, operations in body["paths"].items():
        methods = {method: one for method, one in operations.items() if method != "parameters"}
        if path in OPEN_TO_ALL:
            assert set(methods) == {"get"}
        elif path.startswith("/console"):
            assert set(methods) == {"get", "head", "post"}, "the console checks the session itself"
        else:
            assert len(methods) == 7
            if path in ROUTES_WITH_OWN_SECRET:
                assert not any("security" in one for one in methods.values())
                continue
            assert all(one["security"] == [{"token_auth": []}] for one in methods.values()), path
    authorizer = body["securityDefinitions"]["token_auth"]["x-amazon-apigateway-authorizer"]
    assert authorizer["identityValidationExpression"] == "^[Tt]oken [0-9a-f]{40}$"


def test_a_function_that_knows_the_address_of_the_gateway_knows_whether_it_may_be_plain_http(
    functions: dict[str, Any],
) -> None:
    """Without it, the check of the settings would refuse the address at each start of the function."""
    environments = {name: set(one["Environment"]["Variables"]) for name, one in functions.items()}
    assert {name for name, known in environments.items() if "GATEWAY_URL" in known} == {
        name for name, known in environments.items() if "GATEWAY_PLAIN_HTTP" in known
    }


def test_the_worker_of_reconciliation_knows_the_gateways_as_the_sender_does(functions: dict[str, Any]) -> None:
    """Both decide whether a message in doubt may be repeated, by the name, the URL and GATEWAY_DEDUPES."""
    names = ("GATEWAY", "GATEWAYS", "GATEWAY_URL", "GATEWAY_DEDUPES")
    sender, worker = (functions[name]["Environment"]["Variables"] for name in ("SendMessages", "RunJobs"))
    assert [worker.get(name) for name in names] == [sender[name] for name in names]


def test_without_receipts_their_worker_is_disabled(sam: dict[str, Any], resources: dict[str, Any]) -> None:
    assert sam["Parameters"]["Receipts"]["Default"] == "false"
    assert sam["Conditions"]["ReceiptsAreExpected"] == {"Fn::Equals": [{"Ref": "Receipts"}, "true"]}
    sources = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    (source,) = [one for one in sources if one["FunctionName"] == {"Ref": "SettleReceipts"} and "Enabled" in one]
    assert source["Enabled"] == {"Fn::If": ["ReceiptsAreExpected", True, False]}
    assert source["MaximumBatchingWindowInSeconds"] >= 1


def test_the_sender_knows_the_address_and_the_secret_of_receipts_only_if_they_are_expected(
    sam: dict[str, Any], resources: dict[str, Any]
) -> None:
    functions = of_type(resources, "AWS::Lambda::Function")
    found = functions["SendMessages"]["Environment"]["Variables"]["RECEIPTS_URL"]
    expected, (given, of_domain, of_gateway) = found["Fn::If"], flat_choice(found["Fn::If"][1])
    assert (expected[0], expected[2]) == ("ReceiptsAreExpected", "")
    assert given == ("HasReceiptsUrl", {"Ref": "ReceiptsUrl"})
    assert of_domain == ("HasDomain", {"Fn::Sub": "https://${ApiDomain}/Receipts"})
    endpoint = sam["Outputs"]["EndpointURL"]["Value"]["Fn::Sub"]
    assert of_gateway == (None, {"Fn::Sub": f"{endpoint.rstrip('/')}/Receipts"}), "the address of the stack's output"
    policy = json.loads((ROOT / ".chalice" / "policies" / "send_messages.json").read_text())["Statement"]
    (right,) = [one for one in policy if "/receipts-secret" in json.dumps(one)]
    condition, secret, _ = right["Fn::If"]
    assert (condition, secret["Action"]) == ("ReceiptsAreExpected", ["ssm:GetParameter"])
    assert secret in rights_of(resources, "SendMessages")


def test_a_schedule_asks_for_balances_only_if_there_is_an_alarm_on_them(
    sam: dict[str, Any], resources: dict[str, Any]
) -> None:
    assert sam["Parameters"]["BalanceAlarm"]["Default"] == ""
    assert sam["Conditions"]["BalancesAreAsked"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "BalanceAlarm"}, ""]}]}
    parts = [sam["Resources"][name] for name in ("AskBalances", "AskBalancesPermission", "LowBalanceAlarm")]
    assert [part["Condition"] for part in parts] == ["BalancesAreAsked"] * 3
    rule, permission, _ = (part["Properties"] for part in parts)
    (target,) = rule["Targets"]
    assert (target["Arn"], json.loads(target["Input"])) == ({"Fn::GetAtt": ["SendMessages", "Arn"]}, ASK_BALANCES)
    assert rule["ScheduleExpression"] == {"Fn::If": ["IsInAws", "rate(5 minutes)", "rate(1 minute)"]}
    assert permission["SourceArn"] == {"Fn::GetAtt": ["AskBalances", "Arn"]}
    (read,) = [
        right for right in rights_of(resources, "APIHandler") if right.get("Sid") == "ReadsBreakersBalancesAndSpending"
    ]
    assert read["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [BALANCES, "breaker#*", "spent#*"]}
    }


def flat_choice(value: Any) -> list[tuple[str | None, Any]]:
    """The conditions of nested `Fn::If` with their values; the last one has no condition."""
    if "Fn::If" not in value:
        return [(None, value)]
    condition, if_true, if_false = value["Fn::If"]
    return [(condition, if_true), *flat_choice(if_false)]


def test_the_api_does_not_depend_on_its_own_address(resources: dict[str, Any]) -> None:
    """The REST API names its function, so a reference back would be a circle that CloudFormation refuses."""
    api = of_type(resources, "AWS::Lambda::Function")["APIHandler"]
    assert api["Environment"]["Variables"]["RECEIPTS_URL"] == {"Ref": "ReceiptsUrl"}


def test_errors_of_api_gateway_have_the_contracts_format(resources: dict[str, Any]) -> None:
    body = of_type(resources, "AWS::ApiGateway::RestApi")["RestAPI"]["Body"]
    answers = body["x-amazon-apigateway-gateway-responses"]
    statuses = {
        "UNAUTHORIZED": 401,
        "ACCESS_DENIED": 401,
        "MISSING_AUTHENTICATION_TOKEN": 404,
        "REQUEST_TOO_LARGE": 413,
        "THROTTLED": 429,
    }
    for name, status in statuses.items():
        assert int(answers[name]["statusCode"]) == status
    for answer in answers.values():
        assert answer["responseTemplates"]["application/json"].startswith('{"detail": ')
    assert answers["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"


def test_api_gateway_compresses_large_answers(resources: dict[str, Any]) -> None:
    """docs/API.md has this size."""
    assert of_type(resources, "AWS::ApiGateway::RestApi")["RestAPI"]["MinimumCompressionSize"] == 1024


def test_api_gateway_passes_files_as_bytes_as_a_body_and_in_a_form(resources: dict[str, Any]) -> None:
    body = of_type(resources, "AWS::ApiGateway::RestApi")["RestAPI"]["Body"]
    assert {"application/octet-stream", "multipart/form-data"} <= {*body["x-amazon-apigateway-binary-media-types"]}


def test_answers_of_api_gateway_have_the_headers_of_all_answers(resources: dict[str, Any]) -> None:
    body = of_type(resources, "AWS::ApiGateway::RestApi")["RestAPI"]["Body"]
    always = {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in SAFE_HEADERS.items()}
    on_aws = {
        f"gatewayresponse.header.{name}": {"Fn::If": ["IsInAws", f"'{value}'", {"Ref": "AWS::NoValue"}]}
        for name, value in HTTPS_ONLY.items()
    }
    for answer in body["x-amazon-apigateway-gateway-responses"].values():
        assert {**answer["responseParameters"], **always, **on_aws} == answer["responseParameters"]


def test_uploaded_files_are_encrypted_private_and_deleted_with_their_imports(resources: dict[str, Any]) -> None:
    bucket = of_type(resources, "AWS::S3::Bucket")["ImportsBucket"]
    assert "BucketName" not in bucket
    assert bucket["BucketEncryption"]
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    uploads, undo, rule = bucket["LifecycleConfiguration"]["Rules"]
    assert (uploads["Prefix"], uploads["ExpirationInDays"]) == ("uploads/", 1)
    assert undo["ExpirationInDays"] == TRACES_KEPT.days
    assert (undo["Prefix"], "Prefix" in rule) == ("undo/", False)
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", KEPT.days)


def test_the_zip_has_the_api_descriptions_of_the_called_services() -> None:
    from infra.deploy import ROOT, SERVICES

    called = {"dynamodb", "sts"}
    for module in (ROOT / "chalicelib" / "adapters").rglob("*.py"):
        called |= {part.split('"')[0] for part in module.read_text().split('aws.client("')[1:]}
    assert called == SERVICES


def test_a_reduced_api_description_has_the_called_operations() -> None:
    from infra.deploy import ROOT
    from infra.deploy.dependencies import OPERATIONS

    adapters = "".join(module.read_text() for module in (ROOT / "chalicelib" / "adapters").rglob("*.py"))
    for service, operations in OPERATIONS.items():
        calls = re.findall(rf'aws\.client\("{service}"[^)]*\)(?:\.(\w+))?', adapters)
        assert set(calls) == {xform_name(name) for name in operations}


MADE_AGAIN = {"slices", "rates", "idempotency-keys", "attempts", "labels", "imports", "reports"}
"""Tables with short-lived rows, or with rows that are written again."""


def test_tables_with_original_data_have_point_in_time_recovery(resources: dict[str, Any]) -> None:
    tables = of_type(resources, "AWS::DynamoDB::Table").values()
    names = {table["TableName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for table in tables}
    kept = {
        table["TableName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for table in tables
        if table.get("PointInTimeRecoverySpecification") == {"PointInTimeRecoveryEnabled": True}
    }
    assert kept == names - MADE_AGAIN


def test_requests_to_aws_without_tls_are_refused(resources: dict[str, Any]) -> None:
    """The local stack uses plain HTTP internally, so it does not have these policies."""
    kinds = {"AWS::SQS::Queue": "Queues", "AWS::S3::Bucket": "Bucket", "AWS::SNS::Topic": "Topics"}
    wanted = {name for name, one in resources.items() if one["Type"] in kinds}
    found = set()
    for name, one in resources.items():
        if one["Type"] in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy"):
            assert one["Condition"] == ("AsksReceiptsInAws" if name == "AsksQueuePolicy" else "IsInAws"), name
            statements = map(unconditional, one["Properties"]["PolicyDocument"]["Statement"])
            (denial,) = [statement for statement in statements if statement["Effect"] == "Deny"]
            assert (denial["Principal"], denial["Condition"]) == ("*", {"Bool": {"aws:SecureTransport": "false"}})
            found.add(name.removesuffix("Policy"))
    assert found == wanted


def test_queues_are_encrypted_and_tables_are_kept_after_the_stack(resources: dict[str, Any]) -> None:
    assert all(queue["SqsManagedSseEnabled"]["Fn::If"][2] for queue in of_type(resources, "AWS::SQS::Queue").values())
    for name, one in resources.items():
        if one["Type"] == "AWS::DynamoDB::Table":
            assert (one["DeletionPolicy"], one["UpdateReplacePolicy"]) == ("Retain", "Retain"), name
            assert one["Properties"]["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


def test_throttling_and_tracing_of_the_api_are_parameters(sam: dict[str, Any], functions: dict[str, Any]) -> None:
    api = sam["Resources"]["RestAPI"]["Properties"]
    limits = {
        (one["HttpMethod"], one["ResourcePath"]): (one["ThrottlingRateLimit"], one["ThrottlingBurstLimit"])
        for one in api["MethodSettings"]
    }
    assert limits == {
        ("*", "/*"): ({"Ref": "ApiRate"}, {"Ref": "ApiBurst"}),
        ("POST", "/~1console~1sign-in"): ({"Ref": "SignInRate"}, {"Ref": "SignInBurst"}),
    }
    throttled = [
        one["ResourcePath"][1:].replace("~1", "/") for one in api["MethodSettings"] if one["HttpMethod"] == "POST"
    ]
    assert all("post" in api["DefinitionBody"]["paths"][path] for path in throttled), "AWS refuses an unknown path"
    assert sam["Parameters"]["Tracing"]["Default"] == "PassThrough"
    assert all(one["TracingConfig"] == {"Mode": {"Ref": "Tracing"}} for one in functions.values())


def test_every_function_may_trace_if_tracing_is_on_by_a_statement_of_its_role(resources: dict[str, Any]) -> None:
    """A policy that is a resource of its own may be attached after the function is made, which AWS then refuses."""
    assert not of_type(resources, "AWS::IAM::Policy")
    tracing = {"Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*", "Effect": "Allow"}
    stated = {"Fn::If": ["IsTraced", {"Sid": "XRayKnowsNoResources", **tracing}, {"Ref": "AWS::NoValue"}]}
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        (policy,) = role["Policies"]
        assert policy["PolicyDocument"]["Statement"].count(stated) == int(name not in OF_THE_SCHEDULER), name


def test_the_number_of_senders_is_a_parameter(resources: dict[str, Any], functions: dict[str, Any]) -> None:
    source = of_type(resources, "AWS::Lambda::EventSourceMapping")["SendMessagesSendMessagesSqsEventSource"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "SenderConcurrency"}}
    reserved = functions["SendMessages"]["ReservedConcurrentExecutions"]["Fn::If"]
    assert reserved[0] == "IsSenderReserved"
    assert [name for name, one in functions.items() if "ReservedConcurrentExecutions" in one] == ["SendMessages"]


def test_every_queue_wakes_a_bounded_number_of_functions(sam: dict[str, Any], resources: dict[str, Any]) -> None:
    """A reconciliation round queues up to 2,000 jobs at once. Without a bound they take the account's concurrency."""
    sources = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    most = {source["FunctionName"]["Ref"]: source["ScalingConfig"]["MaximumConcurrency"] for source in sources}
    assert most == {
        "RunJobs": {"Ref": "JobsConcurrency"},
        "SendMessages": {"Ref": "SenderConcurrency"},
        "ImportClients": 4,
        "SettleReceipts": 2,
    }
    jobs = sam["Parameters"]["JobsConcurrency"]
    assert MAX_SLICES <= jobs["Default"] <= ACCOUNT_EXECUTIONS / 10, "a mailing's slices, and a tenth of an account"
    assert (jobs["MinValue"], jobs["MaxValue"]) == (2, 1000), "the limits of AWS"


def test_logs_are_kept_for_a_month_and_belong_to_their_functions(resources: dict[str, Any]) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup").values()
    assert {group["RetentionInDays"] for group in groups} == {30}
    names = {f"/aws/lambda/${{{name}}}" for name in FUNCTIONS - {"CopyAudit"}} | {"${AWS::StackName}-api-access"}
    assert {group["LogGroupName"]["Fn::Sub"] for group in groups if "Fn::Sub" in group["LogGroupName"]} == names
    joined = [group["LogGroupName"]["Fn::Join"] for group in groups if "Fn::Join" in group["LogGroupName"]]
    assert joined == [["", ["/aws/lambda/", {"Ref": "CopyAudit"}]]]


def test_no_text_has_the_name_of_a_resource_that_a_condition_may_leave_out(resources: dict[str, Any]) -> None:
    """LocalStack evaluates Fn::Sub also in resources that are left out themselves, and deploys nothing then."""
    conditional = {name for name, one in resources.items() if "Condition" in one}
    assert not conditional & set(re.findall(r"\$\{(\w+)", json.dumps(resources)))


def test_tables_whose_rows_have_an_expiry_have_a_time_to_live_and_no_other(resources: dict[str, Any]) -> None:
    live = {"AttributeName": "expires_at", "Enabled": True}
    tables = of_type(resources, "AWS::DynamoDB::Table").values()
    found = {table["TableName"]["Fn::Sub"].removeprefix("${AWS::StackName}-"): table for table in tables}
    assert found.keys() == ROWS.keys()
    for name, table in found.items():
        expires = "expires_at" in ROWS[name].get_attributes()
        assert table.get("TimeToLiveSpecification") == (live if expires else None), name


def test_the_answer_of_the_authorizer_is_kept_for_a_minute_for_each_token(sam: dict[str, Any]) -> None:
    """A revoked token works for so long, as the pages say. Without a cache each request would invoke it."""
    body = sam["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    described = body["securityDefinitions"]["token_auth"]
    authorizer = described["x-amazon-apigateway-authorizer"]
    assert authorizer["authorizerResultTtlInSeconds"] == TTL_SECONDS == 60
    assert (authorizer["type"], described["name"]) == ("token", "Authorization"), "the token alone is the key"
    assert authorizer["identityValidationExpression"] == "^[Tt]oken [0-9a-f]{40}$", "garbage wakes no function"
    assert "identitySource" not in authorizer


@pytest.mark.parametrize(
    ("table", "parameter", "units"),
    [("MessagesTable", "WarmWrites", "WriteUnitsPerSecond"), ("ClientsTable", "WarmReads", "ReadUnitsPerSecond")],
)
def test_a_table_is_warmed_only_for_a_planned_size(sam: dict[str, Any], table: str, parameter: str, units: str) -> None:
    condition, warm, otherwise = sam["Resources"][table]["Properties"]["WarmThroughput"]["Fn::If"]
    assert (warm, otherwise) == ({units: {"Ref": parameter}}, {"Ref": "AWS::NoValue"}), "the other unit may have grown"
    assert sam["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, "0"]}]}
    assert sam["Parameters"][parameter]["Default"] == "0"


@pytest.mark.parametrize("parameter", WARM_TABLES)
@pytest.mark.parametrize("asked", [0, 1, 100, 3_999, 4_000, 9_999, 11_999, 12_000, 19_999, 20_000, 99_999, 100_000])
def test_a_warm_throughput_below_that_of_each_table_is_refused(sam: dict[str, Any], parameter: str, asked: int) -> None:
    """AWS refuses it in the middle of a deploy, which is then rolled back. A parameter is checked before it begins."""
    pattern = sam["Parameters"][parameter]["AllowedPattern"]
    is_accepted = re.fullmatch(pattern, str(asked)) is not None
    assert is_accepted == (asked == 0 or asked >= WARM_TABLES[parameter].floor)
    assert re.fullmatch(pattern, f"0{asked}") is None


def test_conditions_compare_parameters_with_strings(sam: dict[str, Any]) -> None:
    """CloudFormation keeps every parameter as a string, and does not document what a comparison with a number does."""
    text = json.dumps(sam["Conditions"])
    compared = re.findall(r'"Fn::Equals": \[(?:\{[^}]*\}|\{"Fn::Join": [^}]*\}\]\}), ([^]]*)\]', text)
    assert len(compared) == text.count("Fn::Equals")
    assert all(value.startswith('"') for value in compared)


def test_a_budget_is_made_only_if_it_is_asked_for_and_may_write_to_the_topic_of_the_alarms(
    sam: dict[str, Any], resources: dict[str, Any]
) -> None:
    assert sam["Parameters"]["BudgetDollars"]["Default"] == 0
    budget = resources["Budget"]
    assert (budget["Condition"], budget["DependsOn"]) == ("HasBudget", "AlarmsPolicy")
    assert budget["Properties"]["Budget"]["BudgetLimit"]["Amount"] == {"Ref": "BudgetDollars"}
    for notice in budget["Properties"]["NotificationsWithSubscribers"]:
        assert notice["Subscribers"] == [{"SubscriptionType": "SNS", "Address": {"Ref": "Alarms"}}]
    allowed, _ = resources["AlarmsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert "budgets.amazonaws.com" in allowed["Principal"]["Service"]
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
