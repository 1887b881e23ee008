"""Lists of mailings beyond what one page looks at."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.mailing import FINISHED
from chalicelib.domain.mailing_search import NEWEST, MailingFilter
from chalicelib.mailings.listing import BEGINNING, list_mailings, list_open_first, search_mailings
from infra.local.doubles.world import World

MANY = 12_000


def world_of(*finished: int) -> World:
    """The first mailing is scheduled. Others are finished, and most ids belong to deleted ones."""
    world = World()
    world.mailing(starts_in=9999)
    scheduled = world.get(1)
    for number in finished:
        world.services.mailings.add(replace(scheduled, id=number, status=FINISHED, ended_at=world.clock.now()))
    world.services.counters.ids["mailing_id"] = MANY
    return world


def test_a_search_looks_at_the_newest_5000_and_at_those_under_way_and_says_where_it_stopped() -> None:
    world, wanted = world_of(2, 6999, 7001, MANY), MailingFilter(text="TEXT")
    page = search_mailings(world.services, wanted, NEWEST, BEGINNING, 10)
    assert [mailing.id for mailing in page.mailings] == [MANY, 7001, 1]
    assert (page.number, page.next, page.searched_from) == (3, None, MANY + 1 - 5000)
    assert page.searched_from is not None
    older = search_mailings(world.services, wanted, NEWEST, (0, 0, page.searched_from), 10)
    assert [mailing.id for mailing in older.mailings] == [6999]
    assert older.searched_from is not None
    oldest = search_mailings(world.services, wanted, NEWEST, (0, 0, older.searched_from), 10)
    assert ([mailing.id for mailing in oldest.mailings], oldest.searched_from) == ([2, 1], None)


def test_a_filtered_list_of_the_api_goes_on_below_5000_deleted_mailings() -> None:
    world, wanted = world_of(2), MailingFilter(status=FINISHED)
    found, below, pages = list[int](), None, 0
    while pages == 0 or below is not None:
        page, below = list_mailings(world.services, below, 10, wanted=wanted)
        found, pages = found + [mailing.id for mailing in page], pages + 1
    assert (found, pages) == ([2], 3)


def test_mailings_under_way_fill_pages_before_the_others() -> None:
    world = World()
    for number in range(5):
        world.mailing(starts_in=100 - number)
    found, position = list[int](), BEGINNING
    for _ in range(3):
        page = list_open_first(world.services, position, 2)
        found += [mailing.id for mailing in page.mailings]
        position = page.next or BEGINNING
    assert (found, position, page.number) == ([5, 4, 3, 2, 1], BEGINNING, 5)
