"""A setting of an identity at SES as one value: planning, calls, comparison, descriptions and permissions read it here.

Pure. All settings are in ``core.features.settings.SETTINGS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Any, Generic, TypeVar

from ses_operator.core.model.iam_actions import Action
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Observed

Answer = Mapping[str, Any]
"""An answer of SES, as botocore parsed it."""

T = TypeVar("T")


class NoValue(Enum):
    """A marker in place of a value."""

    UNMANAGED = auto()  # the spec asks for nothing: the value at SES is kept
    UNKNOWN = auto()  # the value at SES was not read, or SES does not return it


UNMANAGED, UNKNOWN = NoValue.UNMANAGED, NoValue.UNKNOWN


class Api(StrEnum):
    """The two versions of SES's API, by botocore's names."""

    V1 = "ses"
    V2 = "sesv2"


@dataclass(frozen=True, slots=True)
class Call:
    """One request to SES. ``parameters`` as botocore takes them, the identity among them."""

    operation: str
    parameters: Mapping[str, Any]
    api: Api = Api.V2


@dataclass(frozen=True, slots=True, repr=False)
class SupplementaryRead:
    """A read of what GetEmailIdentity leaves out. It is made only if a setting is managed that needs it.

    ``call`` takes the identity; ``merge`` takes the facts without, the identity and the answer.
    """

    key: str
    call: Callable[[str], Call]
    merge: Callable[[IdentityFacts, str, Answer], IdentityFacts]
    iam_action: Action


def _in_words(found: Any, _: Any) -> str:
    match found:
        case None:
            return "none"
        case bool():
            return "on" if found else "off"
        case _:
            return str(found)


def _at_once(*_: object) -> None:
    """Wait for nothing."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Setting(Generic[T]):
    """One setting, with values of the type ``T``. Settings are equal if their keys are.

    ``key``: stable, unique, identifies what is remembered of it. ``spec_field``: the part of the spec that sets it.
    ``wanted``: by the spec, in a region. ``found``: the value at SES. ``expected``: the facts after it was set.
    ``reset_to``: the SES default. ``call``: what sets it, for an identity. ``words``: what is done, without the
    region.

    ``after``: keys of settings that have to be set before. ``memory``: the name by which the inventory remembers that
    it was set, so that it is reset when the spec no longer sets it; empty for what the spec always sets. ``read``:
    what has to be read for ``found``. ``parse``: reads it from the answer of GetEmailIdentity into
    ``IdentityFacts.settings``, for a setting that has no member of its own there. ``wait``: why it cannot be set yet,
    though it differs. ``current``: the value found, in words, if another is wanted.
    """

    key: str
    spec_field: str
    wanted: Callable[[Desired, str], T | NoValue]
    found: Callable[[IdentityFacts], T | NoValue]
    expected: Callable[[IdentityFacts, T], IdentityFacts]
    reset_to: T
    call: Callable[[str, T], Call]
    words: Callable[[T], str]
    iam_action: Action
    after: tuple[str, ...] = ()
    memory: str = ""
    read: SupplementaryRead | None = None
    parse: Callable[[Answer], T] | None = None
    wait: Callable[[Desired, str, IdentityFacts, Observed, datetime], Problem | None] = _at_once
    current: Callable[[T, T], str] = _in_words

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setting) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Setting({self.key!r})"

    def is_asked_for(self, desired: Desired, region: str) -> bool:
        """Return True if the spec asks for a value: for any, or for another than the default if it always sets one."""
        value = self.wanted(desired, region)
        return not isinstance(value, NoValue) and (bool(self.memory) or value != self.reset_to)

    @property
    def iam_actions(self) -> tuple[Action, ...]:
        """The actions that reading and setting it takes."""
        return (*((self.read.iam_action,) if self.read else ()), self.iam_action)

    def entry(self, region: str) -> str:
        """Return how the inventory names it in a region."""
        return f"{self.memory}/{region}"
