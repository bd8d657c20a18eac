"""Pages of sorted names, with tokens that stay right while names come and go. Pure."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ses_sandbox.errors import bad_request

MAX_PAGE = 1000
DEFAULT_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """The names of one page, and the token for the next (None: this is the last)."""

    names: Sequence[str]
    next_token: str | None


def page_of(names: Sequence[str], wanted: Callable[[str], bool], size: int | None, token: str | None) -> Page:
    """Return the page that ``token`` points to. ``names`` is sorted. Raises BadRequestException for a wrong size or token."""
    if size is not None and not 0 <= size <= MAX_PAGE:
        raise bad_request(f"PageSize must be between 0 and {MAX_PAGE}.")
    size = size or DEFAULT_PAGE
    start = 0 if token is None else bisect_right(names, _decode(token))
    page: list[str] = []
    for index in range(start, len(names)):
        if wanted(names[index]):
            if len(page) == size:
                return Page(page, _encode(page[-1]))
            page.append(names[index])
    return Page(page, None)


def _encode(name: str) -> str:
    return base64.urlsafe_b64encode(f"after:{name}".encode()).decode()


def _decode(token: str) -> str:
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    if not text.startswith("after:"):
        raise bad_request("The NextToken is not valid.")
    return text.removeprefix("after:")
