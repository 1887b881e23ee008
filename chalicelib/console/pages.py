"""The modules of the pages. Each is loaded by the first request that needs it.

Most calls of the API function show no page, and its start would take a fifth longer with all of them.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import (
        approval as approval,
    )
    from . import (
        audit as audit,
    )
    from . import (
        calendar as calendar,
    )
    from . import (
        clients as clients,
    )
    from . import (
        drafts as drafts,
    )
    from . import (
        exports as exports,
    )
    from . import (
        imports as imports,
    )
    from . import (
        languages as languages,
    )
    from . import (
        launch as launch,
    )
    from . import (
        mailbox as mailbox,
    )
    from . import (
        mailing_form as mailing_form,
    )
    from . import (
        mailing_list as mailing_list,
    )
    from . import (
        mailings as mailings,
    )
    from . import (
        openid as openid,
    )
    from . import (
        overview as overview,
    )
    from . import (
        page_answers as page_answers,
    )
    from . import (
        restricted_pages as restricted_pages,
    )
    from . import (
        segments as segments,
    )
    from . import (
        series as series,
    )
    from . import (
        series_form as series_form,
    )
    from . import (
        sessions as sessions,
    )
    from . import (
        sign_in as sign_in,
    )
    from . import (
        stop_list as stop_list,
    )
    from . import (
        text_templates as text_templates,
    )
    from . import (
        tokens as tokens,
    )
    from . import (
        uploads as uploads,
    )
    from . import (
        users as users,
    )


def __getattr__(name: str) -> ModuleType:
    """PEP 562: called for a module that is not loaded yet."""
    try:
        return import_module(f".{name}", __package__)
    except ModuleNotFoundError as error:
        raise AttributeError(name) from error
