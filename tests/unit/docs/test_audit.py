"""docs/audit.md names every finding, as the code describes it."""

from __future__ import annotations

from docs.audit import PAGE, page
from ses_operator.api.account.findings import Finding


def test_the_page_has_the_findings_that_there_are() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run `make docs`"
    assert [finding for finding in Finding if text.count(f"\n| `{finding}` |") != 1] == []
