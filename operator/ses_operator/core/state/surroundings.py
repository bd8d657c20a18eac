"""What an identity needs in a region beside itself in order to send, as far as it is known. Pure.

The account and what the spec refers to are not the object's, and may change at any time without it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ses_operator.core.model.problems import Problem

SHUT_DOWN = "SHUTDOWN"
"""EnforcementStatus of an account that AWS has suspended (API reference, GetAccount)."""


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """What GetAccount says of an account in one region, as far as an identity depends on it.

    Without ``production_access`` the account is in SES's sandbox: mail goes to verified recipients only. ``daily_quota``
    in messages, ``rate_quota`` in messages per second; None if SES did not say.
    """

    sending_enabled: bool = True
    enforcement_status: str = "HEALTHY"
    production_access: bool = True
    daily_quota: float | None = None
    rate_quota: float | None = None

    @property
    def is_shut_down(self) -> bool:
        """True if AWS has suspended the account."""
        return self.enforcement_status == SHUT_DOWN


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of one region. None is unknown, and never a reason to call an identity broken.

    ``is_awaited``: the standing of the account is about to be read for the first time. ``unread``: why it could not be read.
    ``has_configuration_set``: the one
    that the spec names exists. ``missing_topics``: ARNs of SNS topics that the spec names and that do not exist.
    """

    standing: AccountStanding | None = None
    is_awaited: bool = False
    unread: Problem | None = None
    has_configuration_set: bool | None = None
    missing_topics: frozenset[str] = frozenset()


UNKNOWN_SURROUNDINGS = Surroundings()
