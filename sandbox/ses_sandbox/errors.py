"""Errors as AWS answers them, before they are put into a service's own wire format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwsError(Exception):
    """An error answer: HTTP status, error code and message for people."""

    status: int
    code: str
    message: str


class HangUp(ConnectionError):
    """The connection is to be closed without an answer. Being an OSError, it makes the HTTP server do just that."""


def bad_request(message: str) -> AwsError:
    """Return a BadRequestException: the input is invalid."""
    return AwsError(400, "BadRequestException", message)


def not_found(message: str) -> AwsError:
    """Return a NotFoundException: the resource does not exist."""
    return AwsError(404, "NotFoundException", message)


def already_exists(message: str) -> AwsError:
    """Return an AlreadyExistsException: the resource exists already."""
    return AwsError(400, "AlreadyExistsException", message)


def limit_exceeded(message: str) -> AwsError:
    """Return a LimitExceededException: there are too many of these."""
    return AwsError(400, "LimitExceededException", message)
