"""The part of a SesIdentity about DKIM: where the key pair comes from, and whether mail is signed."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import ConfigDict, Field

from ses_operator.api.fields import Region
from ses_operator.api.model import Model, rule, rules


class DkimMode(StrEnum):
    """Where the DKIM key pair comes from."""

    EASY = "Easy"
    DETERMINISTIC = "Deterministic"


class DeterministicDkim(Model):
    """Deterministic Easy DKIM: the identity of one region has the key, those of the others replicate it."""

    parent_region: Region = Field(
        description=(
            "The region whose identity has the DKIM key: one of spec.regions. It is created, published and verified "
            "first, and deleted last. SES makes replicas only when an identity is created: on a domain that is in use "
            "this cannot be changed without replacing identities, and status says which."
        )
    )


class DkimSpec(Model):
    """DKIM signing. Every member omitted stands for its default."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"(has(self.mode) && self.mode == '{DkimMode.DETERMINISTIC}') == has(self.deterministic)",
                f"set dkim.mode to {DkimMode.DETERMINISTIC} and name the region that has the key in "
                "dkim.deterministic.parentRegion, or leave dkim.deterministic out",
            ),
        )
    )

    mode: DkimMode = Field(
        DkimMode.EASY,
        description=(
            "Where the DKIM key pair comes from. Easy, the default: SES makes and rotates the keys, and asks for "
            "three CNAME records per region. Deterministic: SES makes the key in one region and copies it to the others, "
            "which are verified by the three CNAME records of that one."
        ),
    )
    deterministic: DeterministicDkim | None = Field(
        None, description="Which region has the key, for mode Deterministic."
    )
    signing_enabled: bool = Field(
        True,
        description=(
            "Whether SES signs mail of this domain with DKIM. Default: true. With false the records are still "
            "published, for SES verifies the domain by them, but mail goes unsigned."
        ),
    )
    key_size: Literal[1024, 2048] = Field(
        2048,
        description=(
            "Length of the DKIM key in bits, 1024 or 2048; for mode Easy, and of the parent's key in mode Deterministic. "
            "Default: 2048. SES changes the length of an existing key at most once in 24 hours, and signs with the old "
            "key until the new one is seen in DNS."
        ),
    )
