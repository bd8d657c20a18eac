"""The error codes of AWS by their meaning: services and protocols have different codes for the same.

Sources: "Common Errors" of the SES API reference, the error shapes in botocore's models of sesv2, ses, sts and
route53.
"""

from __future__ import annotations

THROTTLING_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
    }
)
ACCESS_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "NotAuthorized",
        "NotAuthorizedException",
        "UnauthorizedOperation",
    }
)
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
SIGNATURE_CODES = frozenset({"InvalidSignatureException", "RequestTimeTooSkewed", "SignatureDoesNotMatch"})
UNKNOWN_KEY_CODES = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "UnrecognizedClientException",
    }
)
BAD_REQUEST_CODES = frozenset(
    {
        "BadRequestException",
        "InvalidChangeBatch",
        "InvalidDomainName",
        "InvalidInput",
        "InvalidParameterException",
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "ValidationError",
        "ValidationException",
    }
)
