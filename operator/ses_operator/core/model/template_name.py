"""The name of a SesVerificationTemplate at SES. Pure."""

from __future__ import annotations

import hashlib

from ses_operator.core.model.keys import Owner

MAX_NAME = 64
"""Letters, digits, hyphens and underscores (CloudFormation reference, AWS::SES::CustomVerificationEmailTemplate)."""

_DIGEST = 16


def template_name(owner: Owner) -> str:
    """Return the name of the object as far as it fits, for people, and a digest of all of the owner: no two have the same."""
    digest = hashlib.sha256(str(owner).encode()).hexdigest()[:_DIGEST]
    return f"{owner.key.name[: MAX_NAME - _DIGEST - 1].replace('.', '-')}-{digest}"
