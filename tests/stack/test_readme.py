"""README, CONTRIBUTING and SECURITY: short, in agreement with the code and docs/, with valid links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "README.ru.md", "CONTRIBUTING.md", "SECURITY.md")
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def read(name: str) -> str:
    return (ROOT / name).read_text()


def anchors(page: str) -> set[str]:
    """The anchors that GitHub makes from the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(link: str, page: str) -> bool:
    path, _, anchor = link.partition("#")
    target = ROOT / (path or page)
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.read_text())


def section(page: str, heading: str) -> str:
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_the_readme_has_at_most_200_lines(name: str) -> None:
    assert len(read(name).splitlines()) <= 200


@pytest.mark.parametrize(
    ("name", "heading"), [("README.md", "Into your AWS account"), ("README.ru.md", "В свой аккаунт AWS")]
)
def test_the_way_into_an_own_account_fits_one_screen(name: str, heading: str) -> None:
    assert 0 < len(section(read(name), heading).splitlines()) <= 40


@pytest.mark.parametrize("name", PAGES)
def test_every_link_to_a_file_or_a_heading_has_a_target(name: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", CODE.sub("", read(name)))
    ours = [link for link in links if not link.startswith("http")]
    assert ours
    assert [link for link in ours if not leads_somewhere(link, name)] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_named_make_target_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )*make ([a-z-]+)\b", read(name), re.MULTILINE)) <= targets


def test_every_folder_named_in_contributing_exists() -> None:
    named = re.findall(r"`((?:chalicelib|infra|tests|tools|\.chalice)/[^`]*)`", read("CONTRIBUTING.md"))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_prices_are_those_of_the_performance_page() -> None:
    together = next(line for line in read("docs/PERFORMANCE.md").splitlines() if line.startswith("| together |"))
    price = next(line for line in read("README.md").splitlines() if line.startswith("| a million messages"))
    assert re.findall(r"\d+\.\d\d", price) == re.findall(r"\d+\.\d\d", together)


def test_the_price_of_a_month_without_messages_is_the_same_on_each_page() -> None:
    month = next(line for line in read("README.md").splitlines() if line.startswith("| a month without messages"))
    least, most = set(re.findall(r"(\d\.\d\d) to (\d\.\d\d)", month)).pop()
    assert f"and {least} to {most} dollars a month while nothing is sent" in read("docs/DEPLOY.md")
    assert f"от {least} до {most}".replace(".", ",") in read("README.ru.md")


def test_the_commands_that_rotate_a_secret_are_covered_by_a_test() -> None:
    """A test runs docs/OPERATIONS.md. The commands differ only in the name of the secret."""
    commands = re.findall(r"^(?:invoke|aws) .+$", read("SECURITY.md"), re.MULTILINE)
    assert commands
    names = Settings(stack_name="$STACK")
    known = read("docs/OPERATIONS.md").replace(names.session_key_parameter, names.receipts_secret_parameter)
    known += read("docs/OPERATIONS.md")
    assert [command for command in commands if command not in known] == []
    renewed = set(re.findall(r"/\$STACK/[\w-]+", "\n".join(commands)))
    secrets = {names.gateway_token_parameter, names.session_key_parameter, names.receipts_secret_parameter}
    assert renewed == secrets
