"""The session cookie in a Cookie header, whatever else is in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.console.session import find_cookie


@given(st.text(max_size=200))
def test_any_header_is_read(header: str) -> None:
    found = find_cookie(header)
    assert found is None or found in header


@given(st.lists(st.text().map(lambda text: text.replace(";", ""))), st.lists(st.text()))
def test_the_session_is_found_among_any_other_cookies(before: list[str], after: list[str]) -> None:
    others = [text for text in before if not text.strip(" \t").startswith("session")]
    assert find_cookie(";".join([*others, " session=abc.d-e_f", *after])) == "abc.d-e_f"


def test_another_name_is_another_cookie() -> None:
    for header in (None, "", "session", "xsession=1", "session2=1", "Session=1", 'a="session=1"'):
        assert find_cookie(header) is None
    assert find_cookie('session="abc"') == "abc"
    assert find_cookie("session=") == ""
