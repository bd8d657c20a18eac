"""The one place where botocore's exceptions become the errors of ``core.problems``.

AWS's own sentence is kept only where it says something that the code does not, and is made stable first: request ids,
session names and timestamps differ between two runs of the same failure, and status must not.

Sources: "Common Errors" of the SES API reference, the error shapes in botocore's models of sesv2, ses, sts and
route53.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore import exceptions as botocore_errors

from ses_operator.api.base.reasons import Reason
from ses_operator.aws.errors.codes import (
    ACCESS_CODES,
    BAD_REQUEST_CODES,
    EXPIRED_CODES,
    SIGNATURE_CODES,
    THROTTLING_CODES,
    UNKNOWN_KEY_CODES,
)
from ses_operator.aws.errors.email_refusals import email_refusal
from ses_operator.aws.errors.mail_refusals import mail_refusal
from ses_operator.core.model.problems import Blocked, Gone, OperatorError, Problem, Retry, Stale

NO_CREDENTIALS = (
    botocore_errors.NoCredentialsError,
    botocore_errors.PartialCredentialsError,
    botocore_errors.CredentialRetrievalError,
    botocore_errors.NoAuthTokenError,
    botocore_errors.TokenRetrievalError,
)
NEVER_SENT = (
    botocore_errors.ConnectionError,
    botocore_errors.BaseEndpointResolverError,
    botocore_errors.EndpointProviderError,
    botocore_errors.InvalidRegionError,
    botocore_errors.UnknownRegionError,
)
ANSWER_LOST = (botocore_errors.HTTPClientError, botocore_errors.IncompleteReadError)

IAM_PREFIXES = {"sesv2": "ses"}
READS = ("Get", "List", "BatchGet")
"""The beginnings of the names of operations that change nothing: it makes no difference if AWS carried one out."""
SERVICE_NAMES = {"sesv2": "SES", "ses": "SES", "route53": "Route 53", "sts": "STS", "sns": "SNS"}
STS_OPERATIONS = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"})
KEY_LENGTH_RETRY_SECONDS = 3600.0

_REQUEST_ID = re.compile(r"[\s;,(]*\b(?:AWS )?request[ -]?id:?\s*[0-9a-z-]+[);,]*", re.IGNORECASE)
_UUID = re.compile(r"\s*\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_SERVICE_NOTE = re.compile(r"\s*\(Service: [^)]*\)?")
_ENCODED = re.compile(r"\s*Encoded authorization failure message:.*", re.DOTALL)
_TIMESTAMP = re.compile(r"\b\d{8}T\d{6}Z\b|\b\d{4}-\d\d-\d\dT[\d:.]+Z?\b")
_ACTION = re.compile(r"perform:?\s*[`'\"]?([a-z0-9-]+:[A-Za-z0-9]+)")
_PRINCIPAL = re.compile(r"User:?\s*[`'\"]?(arn:[^\s`'\"]+)")
_SESSION = re.compile(r"(:assumed-role/[^/\s]+)/.+")
_RESOURCE = re.compile(r"on resource:?\s*[`'\"]?(arn:[^\s`'\"]+)")
_DENIED_BY = re.compile(r"explicit deny in an? ([a-z -]+?)(?: policy)?(?:[.:,]|$)", re.IGNORECASE)
_CONFIGURATION_SET = re.compile(r"configuration[ -_]?set", re.IGNORECASE)
_ONCE_A_DAY = re.compile(r"24[ -]?hours?|once (?:per|a|every|in a|each) day", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """One call of an AWS API, as the words of its errors need it.

    ``service`` is botocore's name ("sesv2"), ``operation`` the API's ("CreateEmailIdentity"), ``region`` empty for a
    global service, ``subject`` the identity, zone or role that the call is about, ``configuration_set`` the one that it names.
    """

    service: str
    operation: str
    region: str = ""
    subject: str = ""
    configuration_set: str = ""

    @property
    def is_read(self) -> bool:
        """True if the operation changes nothing at AWS."""
        return self.operation.startswith(READS)

    @property
    def where(self) -> str:
        """The service and its region, such as "SES in eu-west-1" or "Route 53"."""
        name = SERVICE_NAMES.get(self.service, self.service)
        return f"{name} in {self.region}" if self.region else name

    @property
    def action(self) -> str:
        """The IAM action. Those of SES v2 are named as its operations. Source: Service Authorization Reference."""
        return f"{IAM_PREFIXES.get(self.service, self.service)}:{self.operation}"


class Refused(Blocked):
    """AWS reports that the request itself is wrong. SES also reports this for some writes to an identity that does not exist."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """An error as AWS sent it. ``message`` is stable already; ``status`` is the HTTP status, 0 if there was none."""

    request: Request
    code: str
    status: int
    message: str


def translate(error: Exception, request: Request) -> OperatorError:
    """Return the error that says what to do about an exception that botocore raised for ``request``."""
    if isinstance(error, botocore_errors.ClientError):
        return _refusal(_answer(error, request))
    if isinstance(error, botocore_errors.ProfileNotFound):
        return Blocked(
            Reason.CREDENTIALS_MISSING,
            f"{stable(str(error))} in the AWS configuration of the operator's pod. Add it there, or change "
            "spec.credentials.profile of the SesAccount",
        )
    if isinstance(error, NO_CREDENTIALS):
        return Blocked(
            Reason.CREDENTIALS_MISSING,
            f"No AWS credentials were found ({stable(str(error))}). Set spec.credentials.secretRef of the SesAccount, or "
            "give the "
            "operator's pod a role (IRSA, EKS Pod Identity, instance profile)",
        )
    if isinstance(error, (*NEVER_SENT, *ANSWER_LOST)):
        return _no_answer(error, request)
    if isinstance(error, botocore_errors.ParamValidationError):
        return Refused(
            Reason.INVALID_SPEC, f"The request {request.operation} to {request.where} is invalid: {stable(str(error))}"
        )
    return Retry(
        Reason.SERVICE_ERROR, f"{request.where} failed {request.operation}, which is retried: {stable(str(error))}"
    )


def is_throttling(error: BaseException) -> bool:
    """Return True if AWS asked to slow down, which the request budget has to know."""
    if not isinstance(error, botocore_errors.ClientError):
        return False
    code = error.response.get("Error", {}).get("Code", "")
    return code in THROTTLING_CODES or (_http_status(error) == 429 and code not in BAD_REQUEST_CODES)


def is_about_credentials(error: BaseException, problem: Problem) -> bool:
    """Return True if AWS does not accept the credentials themselves, or does not give out those of a role (any more)."""
    reasons = {Reason.CREDENTIALS_REJECTED, Reason.CREDENTIALS_MISSING}
    return problem.reason in reasons or (
        isinstance(error, botocore_errors.ClientError) and error.operation_name in STS_OPERATIONS
    )


def stable(message: str) -> str:
    """Return the message without what differs from run to run, on one line, without the closing full stop."""
    for pattern in (_SERVICE_NOTE, _ENCODED, _REQUEST_ID, _UUID):
        message = pattern.sub("", message)
    message = _TIMESTAMP.sub("(time)", message)
    return " ".join(message.split()).rstrip(". ")


def _answer(error: botocore_errors.ClientError, request: Request) -> _Answer:
    details: Any = error.response.get("Error", {})
    if error.operation_name in STS_OPERATIONS and error.operation_name != request.operation:
        # Credentials are fetched while a request is signed: the error is from STS, not from the service that was called.
        request = Request("sts", error.operation_name, "", request.subject)
    return _Answer(request, str(details.get("Code", "")), _http_status(error), stable(str(details.get("Message", ""))))


def _http_status(error: botocore_errors.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _no_answer(error: Exception, request: Request) -> OperatorError:
    is_ses = request.service in ("sesv2", "ses")
    reason = Reason.REGION_UNREACHABLE if is_ses else Reason.SERVICE_ERROR
    host = _host(error)
    if isinstance(error, ANSWER_LOST) and not isinstance(error, NEVER_SENT):
        open_ = "" if request.is_read else ", which may have been carried out or not"
        return Retry(reason, f"{request.where} does not answer {request.operation}{host}{open_}; retrying")
    return Retry(reason, f"{request.where} cannot be reached{host}. Check the network, the proxy and the endpoint")


def _host(error: Exception) -> str:
    url = getattr(error, "kwargs", {}).get("endpoint_url")
    return f" at {urlsplit(str(url)).netloc}" if url else ""


def _refusal(answer: _Answer) -> OperatorError:
    for rule in _RULES:
        problem = rule(answer)
        if problem is not None:
            return problem
    words = f"{answer.code or answer.status}" + (f": {answer.message}" if answer.message else "")
    return Retry(
        Reason.SERVICE_ERROR, f"{answer.request.where} answered {answer.request.operation} with {words}; retrying"
    )


def _key_length_too_soon(answer: _Answer) -> OperatorError | None:
    if answer.request.operation != "PutEmailIdentityDkimSigningAttributes" or not _ONCE_A_DAY.search(answer.message):
        return None
    return Blocked(
        Reason.KEY_LENGTH_TOO_SOON,
        f"SES in {answer.request.region} changes the DKIM key length of {answer.request.subject} only once in 24 hours; "
        "the change is made when that time is over",
        KEY_LENGTH_RETRY_SECONDS,
    )


def _throttled(answer: _Answer) -> OperatorError | None:
    if answer.code not in THROTTLING_CODES and answer.status != 429:
        return None
    request = answer.request
    return Retry(
        Reason.THROTTLED,
        f"{request.where} throttles {request.operation}; retrying later",
    )


def _token_refused(answer: _Answer) -> OperatorError | None:
    """Return the error if STS refused the token. Source: API reference, AssumeRoleWithWebIdentity, Errors."""
    if answer.request.operation != "AssumeRoleWithWebIdentity":
        return None
    if answer.code in ("InvalidIdentityToken", "IDPRejectedClaim", *EXPIRED_CODES):
        said = answer.message or answer.code
        return Blocked(
            Reason.CREDENTIALS_REJECTED,
            f"STS does not accept the token of the ServiceAccount ({said}). The AWS account of the role needs an OIDC provider "
            "for the issuer of this cluster, with the audience of spec.credentials.webIdentity",
        )
    if answer.code in ACCESS_CODES:
        return Blocked(
            Reason.ACCESS_DENIED,
            "The role of spec.credentials.webIdentity may not be assumed with the token of its ServiceAccount. Allow "
            "sts:AssumeRoleWithWebIdentity in the role's trust policy to the cluster's OIDC provider, for "
            "system:serviceaccount:<the operator's namespace>:<the ServiceAccount>",
        )
    return None


def _credentials_rejected(answer: _Answer) -> OperatorError | None:
    where = answer.request.where
    if answer.code in EXPIRED_CODES:
        words = f"The AWS credentials have expired, says {where}. Renew them in the Secret of the SesAccount"
    elif answer.code in SIGNATURE_CODES:
        words = f"{where} does not accept the signature. Check the secret access key, and the clock of the node"
    elif answer.code in UNKNOWN_KEY_CODES:
        words = f"{where} does not know the AWS access key. Check the credentials of the SesAccount"
        if answer.request.region:
            words += f". If other regions accept them, enable {answer.request.region} for the AWS account"
    else:
        return None
    return Blocked(Reason.CREDENTIALS_REJECTED, words)


def _access_denied(answer: _Answer) -> OperatorError | None:
    if answer.code not in ACCESS_CODES and not (answer.status == 403 and not answer.code):
        return None
    request = answer.request
    action = _found(_ACTION, answer.message) or request.action
    principal = _SESSION.sub(r"\1", _found(_PRINCIPAL, answer.message)) or "The credentials of the SesAccount"
    if request.operation == "AssumeRole":
        role = _found(_RESOURCE, answer.message) or "the role"
        words = (
            f"{principal} may not assume {role}. Allow {action} on it to the caller, and the caller (with the external "
            "id, if one is asked for) in the role's trust policy"
        )
        return Blocked(Reason.ACCESS_DENIED, words)
    denied_by = _found(_DENIED_BY, answer.message)
    remedy = f"An explicit deny in its {denied_by} policy forbids it" if denied_by else "Allow it in the IAM policy"
    place = f" in {request.region}" if request.region else ""
    return Blocked(Reason.ACCESS_DENIED, f"{principal} may not perform {action}{place}. {remedy}")


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group(1) if match else ""


def _verification_email_refused(answer: _Answer) -> OperatorError | None:
    asked = answer.request
    return email_refusal(asked.operation, asked.region, asked.subject, f"{answer.code} {answer.message}")


def _mail_refused(answer: _Answer) -> OperatorError | None:
    asked = answer.request
    return mail_refusal(asked.operation, asked.region, asked.subject, answer.code, answer.message)


def _exists_already(answer: _Answer) -> OperatorError | None:
    if answer.code not in ("AlreadyExistsException", "AlreadyExists"):
        return None
    request = answer.request
    return Stale(Reason.PROGRESSING, f"{request.subject} already exists in {request.region}; reading it again")


def _not_found(answer: _Answer) -> OperatorError | None:
    request = answer.request
    if answer.code == "NoSuchHostedZone":
        return Blocked(
            Reason.HOSTED_ZONE_NOT_FOUND,
            f"Hosted zone {request.subject} does not exist. Correct spec.dns.zones of the SesAccount, or create the zone",
        )
    if answer.code not in ("NotFoundException", "NotFound", "ConfigurationSetDoesNotExist", "NoSuchChange"):
        return None
    # An identity may itself be called configuration-set.example.com.
    message = answer.message.replace(request.subject, "") if request.subject else answer.message
    if answer.code == "ConfigurationSetDoesNotExist" or _CONFIGURATION_SET.search(message):
        return Blocked(
            Reason.CONFIGURATION_SET_NOT_FOUND,
            f"{_configuration_set(request)} does not exist in {request.region}. Create it there, or change "
            "spec.configurationSetName or spec.regionOverrides",
        )
    return Gone(Reason.PROGRESSING, f"{request.where} has no {request.subject}")


def _configuration_set(request: Request) -> str:
    name = request.configuration_set
    return f'Configuration set "{name}"' if name else f"The configuration set of {request.subject}"


def _quota_exceeded(answer: _Answer) -> OperatorError | None:
    if answer.code not in ("LimitExceededException", "LimitExceeded", "LimitsExceeded"):
        return None
    said = f": {answer.message}" if answer.message else ""
    return Blocked(
        Reason.QUOTA_EXCEEDED,
        f"A quota of {answer.request.where} is used up{said}. Ask AWS to raise it, or remove what is not needed",
    )


def _in_between(answer: _Answer) -> OperatorError | None:
    request = answer.request
    if answer.code == "PriorRequestNotComplete":
        words = f"{request.where} still works on an earlier change of {request.subject}; retrying"
        return Retry(Reason.PUBLISHING_RECORDS, words, 1.0)
    if answer.code == "ConcurrentModificationException":
        words = f"Another client changes {request.subject} at {request.where} at the same time; retrying"
        return Retry(Reason.SERVICE_ERROR, words)
    if answer.status >= 500:
        return Retry(
            Reason.SERVICE_ERROR, f"{request.where} failed {request.operation} (HTTP {answer.status}); retrying"
        )
    return None


def _deletion_refused(answer: _Answer) -> OperatorError | None:
    request = answer.request
    if request.operation != "DeleteEmailIdentity" or not 400 <= answer.status < 500:
        return None
    said = answer.message or answer.code
    return Blocked(
        Reason.DELETION_BLOCKED,
        f"SES refuses to delete {request.subject} in {request.region}: {said}. Remove what uses it",
    )


def _bad_request(answer: _Answer) -> OperatorError | None:
    if answer.code not in BAD_REQUEST_CODES:
        return None
    said = answer.message or answer.code
    return Refused(Reason.INVALID_SPEC, f"{answer.request.where} refuses {answer.request.operation}: {said}")


_RULES: tuple[Callable[[_Answer], OperatorError | None], ...] = (
    _key_length_too_soon,
    _throttled,
    _token_refused,
    _credentials_rejected,
    _access_denied,
    _verification_email_refused,
    _mail_refused,
    _exists_already,
    _not_found,
    _quota_exceeded,
    _in_between,
    _deletion_refused,
    _bad_request,
)
