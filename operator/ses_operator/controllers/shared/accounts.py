"""The open AWS accounts: the state of each SesAccount, for the identities that name it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ses_operator.api.account.kind import SesAccount, SesAccountSpec
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import WarningStatus
from ses_operator.aws.sessions import AwsAccount
from ses_operator.core.features.references import account_warnings
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Problem
from ses_operator.core.state.surroundings import AccountStanding, Surroundings
from ses_operator.runtime.source import Source
from ses_operator.runtime.watch.cache import ObjectStore


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """A SesAccount whose credentials work.

    ``standing``: what GetAccount said last of each region in use, or why it did not; a region that was not asked yet is absent.
    """

    name: str
    spec: SesAccountSpec
    aws: AwsAccount
    standing: Mapping[str, AccountStanding | Problem] = field(default_factory=dict)

    def around(self, region: str) -> Surroundings:
        """Return what is known of the account in a region."""
        match self.standing.get(region):
            case AccountStanding() as standing:
                return Surroundings(standing)
            case Problem() as problem:
                return Surroundings(unread=problem)
            case None:
                return Surroundings(is_awaited=True)

    def warnings(self, regions: Iterable[str]) -> tuple[WarningStatus, ...]:
        """Return what the author of an identity in these regions has to know of the account."""
        return account_warnings(self.name, {region: self.around(region).standing for region in regions})


class Accounts:
    """Open accounts by the name of their SesAccount; or why one is not open.

    ``changes`` emits the names of those whose state changed, for the objects that use them.
    """

    def __init__(self, store: ObjectStore[SesAccount], installation_id: str) -> None:
        self.changes: Source[str] = Source()
        self._store = store
        self._installation_id = installation_id
        self._accounts: dict[str, OpenAccount | Problem] = {}

    def get(self, name: str) -> OpenAccount | Problem | None:
        """Return the account, or why it cannot be used.

        None if there is nothing to do or report: while it is being opened, after which its users are woken, and if it
        is another installation's.
        """
        state, account = self._accounts.get(name), self._store.get(ObjectKey("", name))
        if state is not None or account is not None:
            return state if account is None or self.is_ours(account) else None
        return Problem(
            Reason.ACCOUNT_NOT_FOUND,
            f"SesAccount {name} does not exist. Create it, or name an existing one in spec.accountRef",
        )

    def is_deleting(self, name: str) -> bool:
        """Return True if the SesAccount is being deleted."""
        account = self._store.get(ObjectKey("", name))
        return account is not None and account.metadata.is_deleting

    def is_ours(self, account: SesAccount) -> bool:
        """Return True if this installation manages the account."""
        return account.spec.installation_id in (None, self._installation_id)

    def put(self, name: str, state: OpenAccount | Problem) -> None:
        """Keep the state of the account."""
        before = self._accounts.get(name)
        self._accounts[name] = state
        if before != state:
            self.changes.emit(name)

    def remove(self, name: str) -> None:
        """Forget the SesAccount: it is gone."""
        if self._accounts.pop(name, None) is not None:
            self.changes.emit(name)
