"""The installation record, and the AWS account that a SesAccount is meant for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.reasons import Reason
from ses_operator.core.account.installation import InstallationRecord, Refusal, begun, decode
from ses_operator.core.account.meant import AccountEvidence, User, account_mismatch
from ses_operator.core.model.keys import ObjectKey

NAME = "ses-operator/ses-operator-installation"
A, B, C = "111111111111", "222222222222", "333333333333"
IDS = st.sampled_from((A, B, C))


def _user(namespace: str, name: str, account: str = "") -> User:
    return User("SesIdentity", ObjectKey(namespace, name), account)


def test_a_new_installation_begins_with_its_id_and_no_account() -> None:
    assert begun(NAME, None, "prod", "") == InstallationRecord("prod")


@given(st.dictionaries(st.text(min_size=1), IDS))
def test_what_is_recorded_is_read_again(accounts: dict[str, str]) -> None:
    record = InstallationRecord("prod", accounts)
    assert decode(NAME, record.encode()) == record


@given(st.one_of(st.text(), st.dictionaries(st.text(), st.one_of(st.text(), st.none())).map(str)))
def test_a_record_that_cannot_be_read_is_never_taken_for_a_new_one(text: str) -> None:
    found = decode(NAME, {"installationID": "prod", "accounts": text})
    assert isinstance(found, Refusal) or found.installation_id == "prod"
    assert isinstance(decode(NAME, {"accounts": "{}"}), Refusal)


def test_another_id_is_refused_with_both_ids_and_the_ways_out() -> None:
    refused = begun(NAME, InstallationRecord("prod", {"default": A}), "prod2", "")
    assert isinstance(refused, Refusal)
    for part in (NAME, "'prod'", "'prod2'", "OwnedByAnother", "ses-operator handover --to prod2", "inheritFrom=prod"):
        assert part in refused.message
    assert "confirmInstallationID=prod2" in refused.message


@pytest.mark.parametrize("confirmed", ["", "prod", "prod3", "Prod2"])
def test_only_the_new_id_itself_confirms_it(confirmed: str) -> None:
    assert isinstance(begun(NAME, InstallationRecord("prod"), "prod2", confirmed), Refusal)


def test_a_confirmed_id_is_recorded_and_the_accounts_stay() -> None:
    confirmed = begun(NAME, InstallationRecord("prod", {"default": A}), "prod2", "prod2")
    assert confirmed == InstallationRecord("prod2", {"default": A})
    assert begun(NAME, confirmed, "prod2", "prod2") == confirmed
    assert isinstance(begun(NAME, confirmed, "prod", "prod2"), Refusal)


evidence = st.builds(
    AccountEvidence,
    st.just("default"),
    IDS,
    st.none() | IDS,
    st.none() | IDS,
    st.dictionaries(st.sampled_from([("a", "x"), ("b", "y")]), IDS).map(
        lambda made: tuple(User("SesIdentity", ObjectKey(*key), account) for key, account in made.items())
    ),
)


@given(evidence)
def test_what_is_used_is_what_was_meant(seen: AccountEvidence) -> None:
    problem = account_mismatch(seen)
    if problem is None:
        assert seen.meant in (None, seen.found)
        assert seen.meant is not None or seen.recorded in (None, seen.found)
        # No one is left behind in the account that was used before.
        assert seen.recorded in (None, seen.found) or not seen.objects_in(seen.recorded)
    else:
        assert problem.reason is Reason.ACCOUNT_MISMATCH
        assert "default" in problem.message
        assert seen.found in problem.message


@given(evidence)
def test_what_is_settled_is_no_mismatch_whatever_the_users_say(seen: AccountEvidence) -> None:
    assert not seen.is_settled or account_mismatch(seen) is None


@given(evidence)
def test_there_is_a_way_out_of_each_mismatch(seen: AccountEvidence) -> None:
    """Set spec.accountID to what the credentials are for, once nothing is left in the account before."""
    assert account_mismatch(AccountEvidence(seen.name, seen.found, seen.found, seen.recorded)) is None


def test_what_one_tenant_writes_into_its_object_does_not_take_the_account_from_others() -> None:
    forged = (_user("evil", "x", C),)
    assert account_mismatch(AccountEvidence("default", A, None, A, forged)) is None
    assert account_mismatch(AccountEvidence("default", A, A, None, forged)) is None
    assert account_mismatch(AccountEvidence("default", A, None, None, (*forged, _user("team", "new")))) is None
    assert account_mismatch(AccountEvidence("default", A, None, None, (*forged, _user("team", "old", A)))) is None
    assert account_mismatch(AccountEvidence("default", A, None, None, ())) is None


def test_without_a_record_what_every_namespace_names_stands_in_for_it() -> None:
    assert (
        account_mismatch(AccountEvidence("default", A, None, None, (_user("team", "old", B), _user("team", "new"))))
        is not None
    )


def test_of_many_objects_some_are_named_and_the_others_counted() -> None:
    made = tuple(_user("team", str(number), A) for number in range(8))
    problem = account_mismatch(AccountEvidence("default", B, B, A, made))
    assert problem is not None
    assert "SesIdentity team/0, " in problem.message
    assert "and 3 more are still in AWS account" in problem.message
