"""What listings tell, and which of it is news."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.aws.listing.listing import GRACE_SECONDS, Knowledge, Listed, Listing, NotListed, NotYetListed
from ses_operator.core.model.ses import ListedIdentity, VerificationStatus

PENDING, SUCCESS, FAILED = VerificationStatus.PENDING, VerificationStatus.SUCCESS, VerificationStatus.FAILED
NAME = "example.com"


def entry(status: VerificationStatus, name: str = NAME) -> ListedIdentity:
    return ListedIdentity(name, status, status is SUCCESS)


def listing(*entries: ListedIdentity) -> Listing:
    return Listing(entries)


def knowledge(*entries: ListedIdentity) -> Knowledge:
    """After a complete listing at 0."""
    known = Knowledge()
    known.take_complete(listing(*entries), 0.0, [NAME])
    return known


def test_before_the_first_listing_nothing_is_known() -> None:
    assert Knowledge().state(NAME) == NotYetListed()
    assert Knowledge().size is None


def test_the_first_listing_is_no_news() -> None:
    assert Knowledge().take_complete(listing(entry(PENDING)), 0.0, [NAME]) == set()


def test_a_listed_identity_is_found_by_its_name_in_any_case() -> None:
    assert listing(entry(SUCCESS, "Example.COM")).state(NAME) == Listed(entry(SUCCESS))


def test_the_case_of_an_address_counts() -> None:
    assert listing(entry(SUCCESS, "Me@example.com")).state("me@example.com") == NotListed()


def test_an_identity_that_was_verified_is_news() -> None:
    known = knowledge(entry(PENDING))
    assert known.take_complete(listing(entry(SUCCESS)), 100.0, [NAME]) == {NAME}
    assert known.state(NAME) == Listed(entry(SUCCESS))


def test_an_identity_that_was_deleted_is_news() -> None:
    assert knowledge(entry(SUCCESS)).take_complete(listing(), 100.0, [NAME]) == {NAME}


def test_an_identity_that_nobody_watches_is_no_news() -> None:
    assert knowledge(entry(PENDING)).take_complete(listing(entry(SUCCESS)), 100.0, []) == set()


def test_what_did_not_change_is_no_news() -> None:
    assert knowledge(entry(PENDING)).take_complete(listing(entry(PENDING)), 100.0, [NAME]) == set()


def test_a_creation_of_our_own_is_no_news() -> None:
    known = knowledge()
    known.learn(NAME, PENDING, 1.0)
    assert known.state(NAME) == Listed(entry(PENDING))
    assert known.take_complete(listing(entry(PENDING)), 10.0, [NAME]) == set()


def test_a_listing_that_began_before_a_creation_says_nothing_of_it() -> None:
    known = knowledge()
    known.learn(NAME, PENDING, 5.0)
    assert known.take_complete(listing(), 4.0, [NAME]) == set()
    assert known.state(NAME) == Listed(entry(PENDING))


def test_a_listing_that_lags_behind_a_creation_is_not_believed_for_a_while() -> None:
    known = knowledge()
    known.learn(NAME, PENDING, 5.0)
    assert known.take_complete(listing(), 6.0, [NAME]) == set()
    assert known.state(NAME) == Listed(entry(PENDING))


def test_a_creation_that_no_listing_ever_shows_is_news_in_the_end() -> None:
    known = knowledge()
    known.learn(NAME, PENDING, 5.0)
    assert known.take_complete(listing(), 6.0 + GRACE_SECONDS, [NAME]) == {NAME}
    assert known.state(NAME) == NotListed()


def test_a_created_identity_that_is_verified_before_the_next_listing_is_news() -> None:
    known = knowledge()
    known.learn(NAME, PENDING, 5.0)
    assert known.take_complete(listing(entry(SUCCESS)), 15.0, [NAME]) == {NAME}


def test_a_change_that_a_read_has_told_already_is_no_news() -> None:
    known = knowledge(entry(PENDING))
    known.learn(NAME, SUCCESS, 5.0)
    assert known.take_complete(listing(entry(SUCCESS)), 15.0, [NAME]) == set()


def test_a_listing_that_disagrees_with_reads_for_good_does_not_wake_anybody_for_ever() -> None:
    known, woken = knowledge(entry(PENDING)), 0
    for time in range(0, 6000, 60):
        known.learn(NAME, SUCCESS, float(time))
        woken += len(known.take_complete(listing(entry(PENDING)), time + 50.0, [NAME]))
    assert woken == 0


def test_a_deletion_of_our_own_is_no_news_although_the_listing_lags() -> None:
    known = knowledge(entry(SUCCESS))
    known.learn(NAME, None, 5.0)
    assert known.state(NAME) == NotListed()
    assert known.take_complete(listing(entry(SUCCESS)), 6.0, [NAME]) == set()
    assert known.take_complete(listing(), 16.0, [NAME]) == set()


def test_a_change_between_a_read_and_the_end_of_an_older_listing_is_found_by_the_next() -> None:
    known = knowledge(entry(PENDING))
    known.learn(NAME, FAILED, 5.0)
    assert known.take_complete(listing(entry(SUCCESS)), 4.0, [NAME]) == set()
    assert known.take_complete(listing(entry(SUCCESS)), 14.0, [NAME]) == {NAME}


def test_one_that_leaves_a_listing_of_pending_ones_is_news_and_has_to_be_read() -> None:
    known = knowledge(entry(PENDING))
    assert known.take_partial({}, [PENDING], 10.0, [NAME]) == {NAME}
    assert known.state(NAME) == NotYetListed()


def test_one_that_stays_in_a_listing_of_pending_ones_is_no_news() -> None:
    known = knowledge(entry(PENDING))
    assert known.take_partial({NAME: entry(PENDING)}, [PENDING], 10.0, [NAME]) == set()


def test_one_that_left_and_was_read_is_no_news_when_all_are_listed() -> None:
    known = knowledge(entry(PENDING))
    known.take_partial({}, [PENDING], 10.0, [NAME])
    known.learn(NAME, SUCCESS, 11.0)
    assert known.take_partial({}, [PENDING], 20.0, [NAME]) == set()
    assert known.take_complete(listing(entry(SUCCESS)), 60.0, [NAME]) == set()


def test_one_that_was_created_enters_a_listing_of_pending_ones_without_news_and_leaves_it_with() -> None:
    known = knowledge()
    known.learn(NAME, PENDING, 5.0)
    assert known.take_partial({}, [PENDING], 6.0, [NAME]) == set()
    assert known.take_partial({NAME: entry(PENDING)}, [PENDING], 16.0, [NAME]) == set()
    assert known.take_partial({}, [PENDING], 26.0, [NAME]) == {NAME}


def test_a_listing_of_pending_ones_says_nothing_of_others() -> None:
    known = knowledge(entry(FAILED))
    assert known.take_partial({}, [PENDING], 10.0, [NAME]) == set()
    assert known.state(NAME) == Listed(entry(FAILED))


names = st.from_regex(r"[a-z]{1,8}\.example", fullmatch=True)


@given(st.dictionaries(names, st.sampled_from(VerificationStatus), max_size=50), names)
def test_a_listing_keeps_every_state_that_it_is_given(states: dict[str, VerificationStatus], other: str) -> None:
    kept = Listing([entry(status, name) for name, status in states.items()])
    assert len(kept) == len(states)
    for name, status in states.items():
        assert kept.state(name) == Listed(entry(status, name))
    if other not in states:
        assert kept.state(other) == NotListed()


@pytest.mark.parametrize("status", VerificationStatus)
def test_sending_that_was_switched_off_is_news(status: VerificationStatus) -> None:
    enabled = ListedIdentity(NAME, status, sending_enabled=True)
    disabled = ListedIdentity(NAME, status, sending_enabled=False)
    assert knowledge(enabled).take_complete(listing(disabled), 100.0, [NAME]) == {NAME}
