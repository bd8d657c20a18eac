"""The caller of a request, as AWS sees it once the signature is accepted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller. ``account``: in which the call acts. ``arn``: of the user or the role session."""

    account: str
    access_key: str
    arn: str
