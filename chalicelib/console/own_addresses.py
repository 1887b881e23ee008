"""Addresses that a form brings back: only pages of the console are followed."""

from __future__ import annotations

import re

HOME = "/console"
SIGN_IN, SIGN_OUT = "/console/sign-in", "/console/sign-out"
OWN_ADDRESS = re.compile(r"/console(/[A-Za-z0-9_-]+)*/?(\?[A-Za-z0-9_.~%&=+*-]*)?")


def own_address(wanted: str) -> str:
    """The address itself, with its query, if it is a page of the console; otherwise its first page."""
    return wanted if OWN_ADDRESS.fullmatch(wanted) else HOME
