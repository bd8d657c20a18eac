"""What each failure of AWS becomes: which of our errors, with which reason, in which words."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from botocore import exceptions as aws
from botocore.exceptions import ClientError

from ses_operator.api.base.reasons import Reason
from ses_operator.aws.errors.translation import Refused, Request, is_throttling, stable, translate
from ses_operator.core.model.problems import Blocked, Gone, OperatorError, Retry, Stale

CREATE = Request("sesv2", "CreateEmailIdentity", "eu-west-1", "example.com")
GET = Request("sesv2", "GetEmailIdentity", "eu-west-1", "example.com")
DELETE = Request("sesv2", "DeleteEmailIdentity", "eu-west-1", "example.com")
SIGNING = Request("sesv2", "PutEmailIdentityDkimSigningAttributes", "eu-west-1", "example.com")
CHANGE = Request("route53", "ChangeResourceRecordSets", "", "Z123")
CALLER = Request("sts", "GetCallerIdentity", "", "the SesAccount default")


def refusal(code: str, message: str = "", status: int = 400, operation: str = "CreateEmailIdentity") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


@dataclass(frozen=True)
class Case:
    """One failure and what is to come of it."""

    name: str
    error: Exception
    kind: type[OperatorError]
    reason: Reason
    request: Request = CREATE
    says: tuple[str, ...] = field(default=())


CASES = (
    Case(
        "too many requests of SES v2 are a retry",
        refusal("TooManyRequestsException", status=429),
        Retry,
        Reason.THROTTLED,
        says=("SES in eu-west-1", "throttles"),
    ),
    Case(
        "the throttling of Route 53 is a retry",
        refusal("Throttling", "Rate exceeded"),
        Retry,
        Reason.THROTTLED,
        CHANGE,
        ("Route 53 throttles ChangeResourceRecordSets",),
    ),
    Case("HTTP 429 by any name is throttling", refusal("Whatever", status=429), Retry, Reason.THROTTLED),
    Case(
        "a concurrent modification is a retry although it is HTTP 500",
        refusal("ConcurrentModificationException", status=500),
        Retry,
        Reason.SERVICE_ERROR,
        says=("example.com",),
    ),
    Case("an internal error is a retry", refusal("InternalFailure", status=500), Retry, Reason.SERVICE_ERROR),
    Case("an error without a code is a retry", refusal("503", status=503), Retry, Reason.SERVICE_ERROR),
    Case(
        "an unknown code is a retry", refusal("BrandNew", "odd"), Retry, Reason.SERVICE_ERROR, says=("BrandNew: odd",)
    ),
    Case(
        "a prior request of the zone is a retry in a second",
        refusal("PriorRequestNotComplete"),
        Retry,
        Reason.PUBLISHING_RECORDS,
        CHANGE,
        ("Z123",),
    ),
    Case(
        "a missing right names the action and the principal that AWS names",
        refusal(
            "AccessDeniedException",
            "User: arn:aws:iam::123456789012:user/ops is not authorized to perform: ses:CreateEmailIdentity on resource: "
            "arn:aws:ses:eu-west-1:123456789012:identity/example.com because no identity-based policy allows the "
            "ses:CreateEmailIdentity action",
            403,
        ),
        Blocked,
        Reason.ACCESS_DENIED,
        says=("arn:aws:iam::123456789012:user/ops may not perform ses:CreateEmailIdentity in eu-west-1", "IAM policy"),
    ),
    Case(
        "SES's own quoting of action and principal is understood",
        refusal(
            "AccessDenied",
            "User `arn:aws:sts::123456789012:assumed-role/ses/session-1764' is not authorized to perform "
            "`ses:TagResource' on resource `arn:aws:ses:eu-west-1:123456789012:identity/example.com'",
            403,
        ),
        Blocked,
        Reason.ACCESS_DENIED,
        says=("arn:aws:sts::123456789012:assumed-role/ses may not perform ses:TagResource in eu-west-1",),
    ),
    Case(
        "a missing right of which AWS says nothing is named after the operation",
        refusal("AccessDeniedException", status=403),
        Blocked,
        Reason.ACCESS_DENIED,
        GET,
        ("ses:GetEmailIdentity",),
    ),
    Case(
        "an explicit deny is called so",
        refusal(
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/a is not authorized to perform: ses:CreateEmailIdentity on resource: "
            "arn:aws:ses:eu-west-1:1:identity/example.com with an explicit deny in a service control policy",
            403,
        ),
        Blocked,
        Reason.ACCESS_DENIED,
        says=("explicit deny in its service control policy",),
    ),
    Case(
        "a missing right in Route 53 names its action",
        refusal("AccessDenied", "denied", 403),
        Blocked,
        Reason.ACCESS_DENIED,
        CHANGE,
        ("route53:ChangeResourceRecordSets",),
    ),
    Case(
        "a role that may not be assumed is told apart from the call that needed it",
        refusal(
            "AccessDenied",
            "User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole on resource: "
            "arn:aws:iam::2:role/ses",
            403,
            "AssumeRole",
        ),
        Blocked,
        Reason.ACCESS_DENIED,
        says=("arn:aws:iam::1:user/a may not assume arn:aws:iam::2:role/ses", "sts:AssumeRole", "trust policy"),
    ),
    Case(
        "an unknown access key is rejected credentials",
        refusal("InvalidClientTokenId", status=403, operation="GetCallerIdentity"),
        Blocked,
        Reason.CREDENTIALS_REJECTED,
        CALLER,
        ("STS does not know the AWS access key",),
    ),
    Case(
        "an unknown key in one region may be a region that is not enabled",
        refusal("UnrecognizedClientException", status=403),
        Blocked,
        Reason.CREDENTIALS_REJECTED,
        says=("enable eu-west-1",),
    ),
    Case(
        "a wrong secret key is rejected credentials",
        refusal("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than …", 403),
        Blocked,
        Reason.CREDENTIALS_REJECTED,
        says=("secret access key",),
    ),
    Case(
        "expired credentials are rejected credentials",
        refusal("ExpiredTokenException", status=403),
        Blocked,
        Reason.CREDENTIALS_REJECTED,
        says=("have expired", "Renew them"),
    ),
    Case(
        "no credentials at all are missing ones",
        aws.NoCredentialsError(),
        Blocked,
        Reason.CREDENTIALS_MISSING,
        says=("credentials.secretRef",),
    ),
    Case(
        "an identity that does not exist is gone",
        refusal("NotFoundException", "Email identity example.com does not exist.", 404),
        Gone,
        Reason.PROGRESSING,
        GET,
        ("has no example.com",),
    ),
    Case(
        "a configuration set that does not exist blocks",
        refusal("NotFoundException", "Configuration set <default> does not exist.", 404),
        Blocked,
        Reason.CONFIGURATION_SET_NOT_FOUND,
        says=("eu-west-1", "spec.configurationSetName"),
    ),
    Case(
        "an identity that is called configuration-set is an identity",
        refusal("NotFoundException", "Email identity configuration-set.example.com does not exist.", 404),
        Gone,
        Reason.PROGRESSING,
        Request("sesv2", "GetEmailIdentity", "eu-west-1", "configuration-set.example.com"),
    ),
    Case(
        "a zone that does not exist blocks", refusal("NoSuchHostedZone"), Blocked, Reason.HOSTED_ZONE_NOT_FOUND, CHANGE
    ),
    Case(
        "an identity that exists already makes what was observed stale",
        refusal("AlreadyExistsException"),
        Stale,
        Reason.PROGRESSING,
    ),
    Case(
        "a used-up quota blocks with AWS's sentence",
        refusal("LimitExceededException", "You have exceeded the limit of identities: 10000."),
        Blocked,
        Reason.QUOTA_EXCEEDED,
        says=("limit of identities: 10000", "A quota of SES in eu-west-1 is used up", "Ask AWS to raise it"),
    ),
    Case(
        "a bad request blocks with AWS's sentence",
        refusal("BadRequestException", "Domain example.com is blacklisted."),
        Refused,
        Reason.INVALID_SPEC,
        says=("refuses CreateEmailIdentity: Domain example.com is blacklisted",),
    ),
    Case(
        "an invalid change batch is a bad request",
        refusal("InvalidChangeBatch", "[Tried to create resource record set]"),
        Refused,
        Reason.INVALID_SPEC,
        CHANGE,
    ),
    Case(
        "a deletion that SES refuses is blocked by what uses the identity",
        refusal("BadRequestException", "Identity is associated with a tenant."),
        Blocked,
        Reason.DELETION_BLOCKED,
        DELETE,
        ("associated with a tenant",),
    ),
    Case(
        "a key length that was changed today waits",
        refusal("BadRequestException", "The key length can be changed once in 24 hours."),
        Blocked,
        Reason.KEY_LENGTH_TOO_SOON,
        SIGNING,
    ),
    Case(
        "a region that cannot be connected to is unreachable",
        aws.EndpointConnectionError(endpoint_url="https://email.eu-west-1.amazonaws.com/v2/email/identities"),
        Retry,
        Reason.REGION_UNREACHABLE,
        says=("SES in eu-west-1 cannot be reached at email.eu-west-1.amazonaws.com",),
    ),
    Case(
        "a connection that times out is unreachable",
        aws.ConnectTimeoutError(endpoint_url="https://email.eu-west-1.amazonaws.com"),
        Retry,
        Reason.REGION_UNREACHABLE,
    ),
    Case(
        "an answer that is lost may have been carried out",
        aws.ReadTimeoutError(endpoint_url="https://email.eu-west-1.amazonaws.com"),
        Retry,
        Reason.REGION_UNREACHABLE,
        says=("carried out or not",),
    ),
    Case(
        "a read without an answer is asked again, and nobody need wonder whether it was carried out",
        aws.ReadTimeoutError(endpoint_url="https://email.eu-west-1.amazonaws.com"),
        Retry,
        Reason.REGION_UNREACHABLE,
        GET,
        ("does not answer GetEmailIdentity at email.eu-west-1.amazonaws.com; retrying",),
    ),
    Case(
        "a closed connection is a lost answer",
        aws.ConnectionClosedError(endpoint_url="https://email.eu-west-1.amazonaws.com"),
        Retry,
        Reason.REGION_UNREACHABLE,
        says=("carried out or not",),
    ),
    Case(
        "Route 53 that cannot be reached is no matter of a region",
        aws.EndpointConnectionError(endpoint_url="https://route53.amazonaws.com"),
        Retry,
        Reason.SERVICE_ERROR,
        CHANGE,
    ),
    Case(
        "parameters that botocore refuses are a bad request",
        aws.ParamValidationError(report="Invalid length for parameter EmailIdentity, value: 0, valid min length: 1"),
        Refused,
        Reason.INVALID_SPEC,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_translate(case: Case) -> None:
    problem = translate(case.error, case.request)
    assert type(problem) is case.kind
    assert problem.problem.reason is case.reason
    for words in case.says:
        assert words in str(problem)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_an_error_that_asks_to_slow_down_counts_as_throttling(case: Case) -> None:
    assert is_throttling(case.error) is (case.reason is Reason.THROTTLED)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Too bad (Service: AmazonSimpleEmailService; Status Code: 400; Request ID: 6f1f-1; Proxy: null)",
            "Too bad",
        ),
        ("Too bad. Request ID: 0f0e0d0c-1111-2222-3333-444455556666", "Too bad"),
        ("Denied. Encoded authorization failure message: AbCdEf…", "Denied"),
        ("Signature expired: 20260101T000000Z", "Signature expired: (time)"),
        ("Two\n  lines.", "Two lines"),
    ],
)
def test_messages_are_the_same_from_run_to_run(message: str, expected: str) -> None:
    assert stable(message) == expected
