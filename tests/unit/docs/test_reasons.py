"""docs/reasons.md says what the code says."""

from __future__ import annotations

from docs.reasons import PAGE, page
from ses_operator.api.base.reasons import Reason


def test_the_page_is_what_the_reasons_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_reason_stands_on_the_page_once() -> None:
    text = page()
    assert [reason for reason in Reason if text.count(f"| `{reason}` |") != 1] == []
