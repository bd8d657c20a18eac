"""Web identity tokens: OpenID Connect tokens, as AssumeRoleWithWebIdentity takes them. Pure.

The signature of a token is not checked, because the issuer's keys cannot be fetched here; everything else is.
Sources: API reference, AssumeRoleWithWebIdentity, Errors; IAM User Guide, "Available keys for AWS OIDC federation".
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ses_sandbox.errors import AwsError

WEB_IDENTITY = "AssumeRoleWithWebIdentity"


@dataclass(frozen=True, slots=True)
class WebIdentityToken:
    """The claims of a token. ``issuer`` without its scheme, as ARNs and condition keys have it."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]

    @property
    def context(self) -> Mapping[str, Sequence[str]]:
        """The condition keys that it gives a trust policy."""
        return {f"{self.issuer}:sub": (self.subject,), f"{self.issuer}:aud": self.audiences}


def read_token(text: str, now: datetime) -> WebIdentityToken:
    """Read the claims of a token. Raises AwsError for a text that is no token, and for an expired one."""
    try:
        payload = text.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        issuer, subject, audience = str(claims["iss"]), str(claims["sub"]), claims["aud"]
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        words = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        raise _invalid(words) from None
    if now >= expires:
        words = f"Token expired: current date/time {now:%s} must be before the expiration date/time {expires:%s}"
        raise AwsError(400, "ExpiredTokenException", words)
    audiences = (audience,) if isinstance(audience, str) else tuple(map(str, audience))
    return WebIdentityToken(issuer.partition("://")[2], subject, audiences)


def unknown_issuer(token: WebIdentityToken) -> AwsError:
    """Return the error if the account has no provider for the issuer."""
    return _invalid(f"No OpenIDConnect provider found in your account for https://{token.issuer}")


def require_audience(token: WebIdentityToken, client_ids: Iterable[str]) -> None:
    """Require that the provider knows the audience. Raises AwsError."""
    if not set(token.audiences) & set(client_ids):
        raise _invalid("Incorrect token audience")


def not_trusted() -> AwsError:
    """Return the error if the role does not exist, or its trust policy does not allow it."""
    return AwsError(403, "AccessDenied", f"Not authorized to perform sts:{WEB_IDENTITY}")


def _invalid(words: str) -> AwsError:
    return AwsError(400, "InvalidIdentityToken", words)
