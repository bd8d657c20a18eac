"""Status conditions: their types, and the shape that Kubernetes gives them (meta/v1 Condition)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from ses_operator.api.base.model import Model, Timestamp


class ConditionType(StrEnum):
    """The condition types, in the order in which status lists them.

    All but the last two are of normal polarity (True is good). RECONCILING and STALLED are in status only while they
    are True, and never both: kstatus, Flux and Argo CD take whichever comes first.
    """

    READY = "Ready"
    ACCEPTED = "Accepted"
    PROVISIONED = "Provisioned"
    DNS_PUBLISHED = "DNSPublished"
    VERIFIED = "Verified"
    DKIM_VERIFIED = "DKIMVerified"
    MAIL_FROM_VERIFIED = "MailFromVerified"
    REFERENCES_RESOLVED = "ReferencesResolved"
    SENDING_ENABLED = "SendingEnabled"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class ConditionStatus(StrEnum):
    """The three values that Kubernetes allows."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"

    @classmethod
    def of(cls, holds: bool | None) -> ConditionStatus:
        """Return the status that says whether something holds; None is Unknown."""
        if holds is None:
            return cls.UNKNOWN
        return cls.TRUE if holds else cls.FALSE


class Condition(Model):
    """One observation of the object's state, in words and for programs."""

    type: str = Field(max_length=316, description="The observation, such as Ready or Verified.")
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: str = Field(
        max_length=1024, description="One word in PascalCase for programs: why the status is what it is."
    )
    message: str = Field(
        "", max_length=32768, description="For people: the current state, what is missing, and what to do about it."
    )
    observed_generation: int | None = Field(
        None, ge=0, description="The metadata.generation of the spec that this observation is about."
    )
    last_transition_time: Timestamp = Field(description="When the status last changed from one value to another.")

    @property
    def is_true(self) -> bool:
        """True only for status True, not for Unknown."""
        return self.status is ConditionStatus.TRUE


def find(conditions: Iterable[Condition], type_: ConditionType) -> Condition | None:
    """Return the condition of this type, or None where status does not have it."""
    return next((condition for condition in conditions if condition.type == type_), None)
