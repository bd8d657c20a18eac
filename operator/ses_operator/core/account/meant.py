"""The AWS account that a SesAccount is meant to use: by its spec, by the installation record, by what was made. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Problem

MOST_NAMED = 5
"""Objects that a message names; of more, the number is given."""


@dataclass(frozen=True, slots=True)
class User:
    """An object that uses a SesAccount, with the AWS account that its inventory names; empty if it names none."""

    kind: str
    key: ObjectKey
    account: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


@dataclass(frozen=True, slots=True)
class AccountEvidence:
    """What is known about the AWS account of the SesAccount ``name``.

    ``found``: the account of its credentials, by GetCallerIdentity. ``meant``: spec.accountID. ``recorded``: the account
    of the first write, by the installation record. ``users``: the objects that use the SesAccount.
    """

    name: str
    found: str
    meant: str | None = None
    recorded: str | None = None
    users: tuple[User, ...] = ()

    @property
    def is_settled(self) -> bool:
        """True if spec and record name the account that was found, whatever the users say."""
        return self.recorded == self.found and self.meant in (None, self.found)

    def objects_in(self, account_id: str) -> tuple[str, ...]:
        """Return the objects whose inventory names this account, sorted."""
        return tuple(sorted(str(user) for user in self.users if user.account == account_id))

    @property
    def elsewhere(self) -> str:
        """The account in which the users have something, if it is not the one that was found; empty if it is, or unknown.

        A tenant can write an inventory, so that of one namespace is no word for another's: each has to name that account.
        """
        namespaces = {user.key.namespace for user in self.users}
        named = sorted({user.account for user in self.users} - {"", self.found})
        agreed = (account for account in named if namespaces == self._namespaces_in(account))
        return "" if self._namespaces_in(self.found) else next(agreed, "")

    def _namespaces_in(self, account_id: str) -> set[str]:
        return {user.key.namespace for user in self.users if user.account == account_id}


def account_mismatch(seen: AccountEvidence) -> Problem | None:
    """Return why nothing may be written with the credentials; None if they are for the account that is meant."""
    if seen.meant is not None:
        return _not_meant(seen, seen.meant)
    if seen.recorded is not None:
        return None if seen.recorded == seen.found else _not_recorded(seen, seen.recorded)
    if not (elsewhere := seen.elsewhere):
        return None
    return _mismatch(
        seen,
        f"{_named(seen.objects_in(elsewhere))} {_is(seen.objects_in(elsewhere))} in AWS account {elsewhere}. Give it "
        f"credentials for {elsewhere}, or set spec.accountID to the account that is meant",
    )


def _not_meant(seen: AccountEvidence, meant: str) -> Problem | None:
    if meant != seen.found:
        return _mismatch(seen, f"spec.accountID is {meant}. Give it credentials for {meant}, or correct spec.accountID")
    former = seen.recorded
    if former is None or former == meant or not (left := seen.objects_in(former)):
        return None
    return Problem(
        Reason.ACCOUNT_MISMATCH,
        f"spec.accountID of SesAccount {seen.name} became {meant}, but {_named(left)} {_is(left)} still in AWS account "
        f"{former}, and would be left there. Set spec.accountID and the credentials to {former} again, delete these objects "
        "(with spec.deletionPolicy Retain, to leave what they made as it is), then change it; or make another SesAccount for "
        f"{meant}",
    )


def _not_recorded(seen: AccountEvidence, recorded: str) -> Problem:
    left = seen.objects_in(recorded)
    why = f", where {_named(left)} {_is(left)}" if left else ""
    return _mismatch(
        seen,
        f"the operator has used AWS account {recorded} through it{why}. Give it credentials for {recorded}, or, if "
        f"{seen.found} is meant, set spec.accountID to {seen.found}",
    )


def _mismatch(seen: AccountEvidence, but: str) -> Problem:
    return Problem(
        Reason.ACCOUNT_MISMATCH,
        f"The credentials of SesAccount {seen.name} are for AWS account {seen.found}, but {but}. Nothing is written",
    )


def _named(objects: tuple[str, ...]) -> str:
    shown, more = objects[:MOST_NAMED], len(objects) - MOST_NAMED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _is(objects: tuple[str, ...]) -> str:
    return "is" if len(objects) == 1 else "are"
