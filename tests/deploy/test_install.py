"""uv installs from the sources that pip is configured for."""

from __future__ import annotations

import sys

from infra.install import run_uv, uv_variables, without_credentials


def test_uv_gets_the_index_the_links_and_the_certificates_of_pip() -> None:
    configuration = "\n".join(
        [
            ":env:.find-links='/wheels /more-wheels'",
            "global.cert='/etc/ssl/company.crt'",
            "global.index-url='https://packages.example.com/simple'",
            "global.timeout='60'",
        ]
    )
    assert uv_variables(configuration, {}) == {
        "UV_DEFAULT_INDEX": "https://packages.example.com/simple",
        "UV_FIND_LINKS": "/wheels,/more-wheels",
        "SSL_CERT_FILE": "/etc/ssl/company.crt",
    }


def test_indexes_are_compared_as_pip_compares_them() -> None:
    configuration = "global.extra-index-url='https://a.example.com/simple https://b.example.com/simple'"
    assert uv_variables(configuration, {}) == {
        "UV_INDEX": "https://a.example.com/simple https://b.example.com/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_the_environment_of_pip_overrides_its_files_and_the_variables_of_uv_override_both() -> None:
    configuration = ":env:.index-url='https://a.example.com'\nglobal.index-url='https://b.example.com'"
    assert uv_variables(configuration, {}) == {"UV_DEFAULT_INDEX": "https://a.example.com"}
    assert uv_variables(configuration, {"UV_DEFAULT_INDEX": "https://c.example.com"}) == {}


def test_a_failure_of_uv_is_reported_so_that_pip_installs() -> None:
    assert not run_uv(None, [])
    assert not run_uv(sys.executable, ["no such package"])


def test_credentials_of_a_registry_are_not_shown() -> None:
    assert without_credentials("https://anna:secret@packages.example.com/x") == "https://packages.example.com/x"
