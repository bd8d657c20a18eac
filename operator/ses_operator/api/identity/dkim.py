"""The part of a SesIdentity about DKIM: the source of the key pair, and signing."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ses_operator.api.base.fields import LABEL, ObjectName, Region
from ses_operator.api.base.meta import WATCH_LABEL
from ses_operator.api.base.model import SERVER_DEFAULT, Model, rule, rules

DEFAULT_SECRET_KEY = "tls.key"  # noqa: S105 - the name of a member
MAX_SECRET_KEY = 253

PARENT_REGIONS = (
    "af-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-5",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
)
"""The regions whose identities SES replicates: the values of DkimSigningAttributesOrigin (API reference, SES v2)."""


class DkimMode(StrEnum):
    """The sources of the DKIM key pair."""

    EASY = "Easy"
    BYODKIM = "BYODKIM"
    DETERMINISTIC = "Deterministic"


class SecretKeyReference(Model):
    """Names one member of a Secret in the namespace of the SesIdentity."""

    name: ObjectName = Field(description="Name of the Secret, in the same namespace.")
    key: Annotated[
        str,
        Field(
            max_length=MAX_SECRET_KEY,
            json_schema_extra=rules(
                rule(
                    "self.matches('^[A-Za-z0-9._-]+$')",
                    "write the name of a member of the Secret's data, such as tls.key",
                )
            ),
        ),
    ] = Field(
        DEFAULT_SECRET_KEY,
        description="The member of the Secret's data that holds the key. Default: tls.key.",
        json_schema_extra=SERVER_DEFAULT,
    )


class ByodkimSpec(Model):
    """Bring Your Own DKIM: a key pair of yours under a selector of yours."""

    selector: Annotated[
        str,
        Field(
            max_length=63,
            json_schema_extra=rules(
                rule(
                    f"self.matches('^{LABEL}$')",
                    "write a selector of 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end, "
                    "such as s1",
                )
            ),
        ),
    ] = Field(
        description=(
            "The selector: the public key is published as a TXT record at <selector>._domainkey.<domain>. "
            "To change the key, choose another selector and another Secret: the new record is published "
            "and seen first, then SES is switched in each region, then the old record is removed, and no "
            "mail goes unsigned for longer than SES takes."
        )
    )
    private_key_secret_ref: SecretKeyReference = Field(
        description=(
            "The Secret with the private key: RSA of 1024 to 2048 bits, as PEM (PKCS#1 or PKCS#8, not "
            "encrypted) or as SES takes it, in base64 without the PEM header. A change takes effect at "
            f"once if the Secret has the label {WATCH_LABEL} with the value true, else with the next "
            "resync. The key is sent to SES, and is stored nowhere else."
        )
    )
    generate: bool = Field(
        False,
        description=(
            "If true, and the Secret does not exist, the operator makes the key: RSA of 2048 bits, in a "
            "Secret that belongs to this object and is deleted with it (under deletionPolicy Retain it is "
            "kept). A Secret that exists is read and never written. Default: false."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )


class DeterministicDkim(Model):
    """Deterministic Easy DKIM: the identity of one region has the key, those of the others replicate it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"self.parentRegion in {list(PARENT_REGIONS)}",
                "choose another of spec.regions for dkim.deterministic.parentRegion: SES does not replicate the "
                f"key of an identity in this one. It does from {', '.join(PARENT_REGIONS)}",
            )
        )
    )

    parent_region: Region = Field(
        description=(
            "The region whose identity has the DKIM key: one of spec.regions, and one from which SES "
            "replicates keys. It is created, published and verified first, and deleted last. SES makes "
            "replicas only when an identity is created: on a domain that is in use this cannot be changed "
            "without replacing identities; status lists which."
        )
    )


class DkimSpec(Model):
    """DKIM signing. Members that are omitted have their defaults."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"(has(self.mode) && self.mode == '{DkimMode.DETERMINISTIC}') == has(self.deterministic)",
                f"set dkim.mode to {DkimMode.DETERMINISTIC} and name the region that has the key in "
                "dkim.deterministic.parentRegion, or leave dkim.deterministic out",
            ),
            rule(
                "(has(self.mode) && self.mode == 'BYODKIM') == has(self.byodkim)",
                "write dkim.byodkim with selector and privateKeySecretRef if dkim.mode is BYODKIM, and only then",
            ),
            rule(
                "!has(self.byodkim) || !has(self.keySize)",
                "leave out dkim.keySize with dkim.mode BYODKIM: the length is that of the key in the Secret",
            ),
        )
    )

    mode: DkimMode = Field(
        DkimMode.EASY,
        description=(
            "The source of the DKIM key pair. Easy, the default: SES makes and rotates the keys, and "
            "requires three CNAME records per region. BYODKIM: you bring the key, and one TXT record "
            "serves all regions. When the mode of a live identity changes to BYODKIM, the record is seen "
            "first; changed back to Easy, mail goes unsigned until SES has seen its new CNAME records. "
            "Deterministic: SES makes the key in one region and copies it to the others, which are "
            "verified by the three CNAME records of that one."
        ),
    )
    deterministic: DeterministicDkim | None = Field(
        None, description="The region that has the key, for mode Deterministic."
    )
    byodkim: ByodkimSpec | None = Field(None, description="The key pair, for mode BYODKIM.")
    signing_enabled: bool = Field(
        True,
        description=(
            "If true, SES signs mail of this domain with DKIM. Default: true. If false, the records are "
            "still published, because SES verifies the domain by them, but mail goes unsigned."
        ),
    )
    key_size: Literal[1024, 2048] = Field(
        2048,
        description=(
            "Length of the DKIM key in bits, 1024 or 2048; for mode Easy, and of the parent's key in mode "
            "Deterministic. Default: 2048. SES changes the length of an existing key at most once in 24 "
            "hours, and signs with the old key until it sees the new one in DNS."
        ),
    )
