"""The refusals of the apiserver, as errors of the operator. The only place that knows HTTP codes of Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Blocked, Gone, OperatorError, Retry, Stale

_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def no_answer(error: BaseException) -> Retry:
    """Return the error for a request without an answer: it may or may not have been carried out."""
    kind = "did not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
    return Retry(Reason.PROGRESSING, f"The Kubernetes API server {kind}")


def refusal(code: int, status: Mapping[str, Any], method: str, path: str, retry_after: float | None) -> OperatorError:
    """Return the error for an answer with an HTTP code of 400 and up; ``status`` is the Status object of its body."""
    message = str(status.get("message") or f"HTTP {code}")
    if code in (404, 410):
        return Gone(Reason.PROGRESSING, message)
    if code == 409 or (code == 422 and _lost_a_race(status)):
        return Stale(Reason.PROGRESSING, message)
    if code == 403:
        return _forbidden(status, message, method, path)
    if code in (401, 408, 429) or code >= 500:
        return Retry(Reason.PROGRESSING, f"The Kubernetes API server answers {code}: {message}", retry_after)
    return Blocked(Reason.INVALID_SPEC, f"The Kubernetes API server refuses to {_VERBS[method]} {path}: {message}")


def _lost_a_race(status: Mapping[str, Any]) -> bool:
    """Return True if a 422 says that the object is not the one that was observed.

    It is being deleted, it is another one of the same name, or a JSON patch (its test, or a path in it) does not fit:
    of that alone the apiserver gives no details.
    """
    if not status.get("details"):
        return True
    return any(cause.get("field") in ("metadata.finalizers", "metadata.uid") for cause in _causes(status))


def _forbidden(status: Mapping[str, Any], message: str, method: str, path: str) -> OperatorError:
    if any(cause.get("reason") == "NamespaceTerminating" for cause in _causes(status)):
        return Stale(Reason.PROGRESSING, message)
    return Blocked(
        Reason.ACCESS_DENIED,
        f"Kubernetes RBAC does not let the operator {_VERBS[method]} {path}. Give its ServiceAccount that right: "
        f"{message}",
    )


def _causes(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = status.get("details") or {}
    return list(details.get("causes") or [])
