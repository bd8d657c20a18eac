"""The part of a SesIdentity about DKIM: where the key pair comes from, and whether mail is signed."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from ses_operator.api.model import Model


class DkimMode(StrEnum):
    """Where the DKIM key pair comes from."""

    EASY = "Easy"


class DkimSpec(Model):
    """DKIM signing. Every member omitted stands for its default."""

    mode: DkimMode = Field(
        DkimMode.EASY,
        description=(
            "Where the DKIM key pair comes from. Easy, the default: SES makes and rotates the keys, and asks for "
            "three CNAME records per region."
        ),
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
            "Length of the DKIM key in bits, 1024 or 2048; for mode Easy. Default: 2048. SES changes the length of an"
            " existing key at most once in 24 hours, and signs with the old key until the new one is seen in DNS."
        ),
    )
