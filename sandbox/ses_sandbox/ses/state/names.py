"""Names that SES accepts. Pure.

Sources: RFC 1035 (labels ≤ 63, names ≤ 255 octets), CreateEmailIdentity and tag restrictions in the API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ses_sandbox.errors import bad_request
from ses_sandbox.ses.state.models import IdentityType

MAX_NAME = 253  # 255 octets on the wire
MAX_LOCAL_PART = 64
MAX_TAGS = 50
MAX_TAG_KEY = 128
MAX_TAG_VALUE = 256
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
LOCAL_PART = re.compile(r"[^\s@<>(),;:\\\"\[\]]+", re.ASCII)
TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
RESOURCE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_domain(name: str) -> bool:
    """Return True if a name can be a domain identity: at least two labels, A-labels only, no trailing dot."""
    labels = name.split(".")
    return len(name) <= MAX_NAME and len(labels) > 1 and all(LABEL.fullmatch(label) for label in labels)


def is_address(name: str) -> bool:
    """Return True if a name can be an email address identity."""
    local, at, domain = name.rpartition("@")
    return bool(at) and len(local) <= MAX_LOCAL_PART and bool(LOCAL_PART.fullmatch(local)) and is_domain(domain)


def identity_type(name: str) -> IdentityType:
    """Return the type of identity of a name. Raises BadRequestException for neither."""
    if "@" in name:
        if not is_address(name):
            raise bad_request(f"Invalid email address <{name}>.")
        return IdentityType.EMAIL_ADDRESS
    if not is_domain(name):
        raise bad_request(f"Invalid domain name <{name}>.")
    return IdentityType.DOMAIN


def is_subdomain(name: str, parent: str) -> bool:
    """Return True if a domain is under another; not itself."""
    return name.lower().endswith(f".{parent.lower()}")


def tags_from(items: Sequence[Mapping[str, str]], present: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a resource after ``items`` are added to those present.

    Raises BadRequestException for what is not allowed.
    """
    given = [item["Key"] for item in items]
    if len(set(given)) < len(given):
        raise bad_request("Duplicate tag keys are not allowed.")
    for item in items:
        _check_tag(item["Key"], item["Value"])
    merged = {**present, **{item["Key"]: item["Value"] for item in items}}
    if len(merged) > MAX_TAGS:
        raise bad_request(f"A resource can have at most {MAX_TAGS} tags.")
    return merged


def _check_tag(key: str, value: str) -> None:
    if not 1 <= len(key) <= MAX_TAG_KEY:
        raise bad_request(f"Tag keys must have between 1 and {MAX_TAG_KEY} characters.")
    if len(value) > MAX_TAG_VALUE:
        raise bad_request(f"The value of the tag {key} has more than {MAX_TAG_VALUE} characters.")
    if key.lower().startswith("aws:"):
        raise bad_request("Tag keys must not start with aws:, which is reserved.")
    if not (TAG_TEXT.fullmatch(key) and TAG_TEXT.fullmatch(value)):
        raise bad_request(f"The tag {key} contains characters that are not allowed.")


def check_resource_name(name: str, what: str) -> None:
    """Raise BadRequestException unless it is a valid name of a policy or configuration set."""
    if not RESOURCE_NAME.fullmatch(name):
        raise bad_request(f"{what} must have 1 to 64 characters of a-z, A-Z, 0-9, underscore and hyphen: <{name}>.")


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the API has them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
