"""Checks of localstack-compose.yml without Docker. tests/e2e/test_localstack.py runs its programs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import yaml
from botocore.config import Config

from infra.deploy import ROOT
from infra.local import localstack
from infra.local.deployment import api_url
from infra.local.localstack_core import COMPOSED

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "localstack-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE: str = SERVICES["simulator"]["build"]["dockerfile_inline"]


def test_every_port_is_bound_to_the_local_host() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert sorted(ports) == ["127.0.0.1:4566:4566", "127.0.0.1:8000:8000", "127.0.0.1:9000:9000"]


def test_images_are_pinned_and_variables_choose_a_newer_localstack() -> None:
    image = SERVICES["localstack"]["image"]
    assert image == "${LOCALSTACK_IMAGE:-localstack/localstack:4.14.0}"
    assert SERVICES["localstack"]["environment"]["LOCALSTACK_AUTH_TOKEN"] == "${LOCALSTACK_AUTH_TOKEN:-}"
    base = re.search(r"^FROM (\S+)$", DOCKERFILE, re.MULTILINE)
    assert base is not None
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim", base[1])


def test_one_service_builds_our_image_and_the_others_wait_for_it_and_never_pull_it() -> None:
    """Compose builds services in parallel: two builds of one tag fail with `already exists`."""
    ours = {name: service for name, service in SERVICES.items() if name != "localstack"}
    assert {service["image"] for service in ours.values()} == {"notifications-local"}
    assert [name for name, service in ours.items() if "build" in service] == ["simulator"]
    users = {name: service for name, service in ours.items() if name != "simulator"}
    assert {service["pull_policy"] for service in users.values()} == {"never"}
    assert "simulator" in users["deployer"]["depends_on"]
    assert "deployer" in users["front"]["depends_on"]


def test_localstack_polls_queues_often_and_has_time_to_end() -> None:
    """Its own pauses between polls grow to 10 s; the removal of the containers of Lambdas takes longer."""
    environment = SERVICES["localstack"]["environment"]
    assert environment["LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC"] == "0.1"
    assert environment["LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC"] == "1"
    assert SERVICES["localstack"]["stop_grace_period"] == "60s"


def test_the_tests_on_localstacks_core_run_with_the_same_settings() -> None:
    assert COMPOSED.items() <= SERVICES["localstack"]["environment"].items()


def test_localstack_leaves_out_resources_that_it_does_not_know() -> None:
    assert SERVICES["localstack"]["environment"]["CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES"] == "1"


def test_the_deployer_prints_addresses_that_the_host_publishes() -> None:
    command = SERVICES["deployer"]["command"]
    printed = [part for part in command if "://" in part]
    published = {service["ports"][0].rpartition(":")[0] for service in SERVICES.values() if "ports" in service}
    assert len(printed) == 2
    assert {url.removeprefix("http://") for url in printed} <= published


def test_services_have_health_checks_and_dependent_services_wait_for_them() -> None:
    assert {name for name, service in SERVICES.items() if "healthcheck" in service} == set(SERVICES) - {"deployer"}
    needs = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    healthy, done = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    assert needs["deployer"] == {"localstack": healthy, "simulator": healthy}
    assert needs["front"] == {"deployer": done}


def test_all_services_are_on_the_network_of_the_lambdas() -> None:
    assert {tuple(service["networks"]) for service in SERVICES.values()} == {("notifications",)}
    name = COMPOSE["networks"]["notifications"]["name"]
    assert SERVICES["localstack"]["environment"]["LAMBDA_DOCKER_NETWORK"] == name
    assert SERVICES["localstack"]["environment"]["SQS_ENDPOINT_STRATEGY"] == "path"


def test_addresses_name_services_and_their_ports() -> None:
    urls = [url for service in SERVICES.values() for url in service.get("environment", {}).values() if "://" in url]
    assert set(urls) == {"http://localstack:4566", "http://simulator:9000"}
    assert set(SERVICES) >= {"localstack", "simulator"}
    assert SERVICES["simulator"]["command"][-1] == "9000"
    assert SERVICES["front"]["command"][-1] == "8000"


def test_the_simulator_answers_to_the_name_by_which_the_lambdas_call_it() -> None:
    command = SERVICES["simulator"]["command"]
    name = urlsplit(SERVICES["deployer"]["environment"]["GATEWAY_URL"]).hostname
    assert command[command.index("--name") + 1] == name


def test_files_copied_into_the_image_are_not_excluded_by_the_ignore_file() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = re.findall(r"^\s*COPY (\S+)", DOCKERFILE, re.MULTILINE)
    assert all(path == "." or any(path.startswith(one) for one in allowed) for path in copied)
    assert all((ROOT / path).exists() for path in allowed)


def test_the_address_of_the_real_aws_is_refused() -> None:
    for region in ("eu-west-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"):
        config = Config(use_dualstack_endpoint=region != "eu-west-1")
        url = boto3.client("lambda", region_name=region, config=config).meta.endpoint_url
        with pytest.raises(localstack.DeployFailed, match="is AWS itself"):
            localstack.require_localstack(url)


def test_a_missing_localstack_is_an_error() -> None:
    with pytest.raises(localstack.DeployFailed, match="there is no LocalStack at"):
        localstack.require_localstack("http://127.0.0.1:1")


def test_the_api_is_called_by_the_path_that_localstack_documents() -> None:
    """/restapis/<id>/<stage>/_user_request_ is deprecated. MiniStack knows both."""
    assert api_url("http://127.0.0.1:4566/", {"RestAPIId": "a1b2"}) == "http://127.0.0.1:4566/_aws/execute-api/a1b2/api"


def test_the_image_has_every_list_of_packages_before_it_installs_them() -> None:
    before, _, after = DOCKERFILE.partition("RUN pip install")
    assert "-r infra/local/requirements.txt" in after
    assert _lists(ROOT / "infra" / "local" / "requirements.txt") <= set(re.findall(r"COPY (\S+)", before))


def _lists(file: Path) -> set[str]:
    """A list of packages and the lists that it includes or takes versions from."""
    others = re.findall(r"^-[rc] (\S+)$", file.read_text(), re.MULTILINE)
    return {str(file.relative_to(ROOT))}.union(*(_lists((file.parent / other).resolve()) for other in others))
