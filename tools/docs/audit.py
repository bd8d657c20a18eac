"""`python -m docs.audit`: writes the findings of an audit into docs/audit.md, from the code. Run by `make docs`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docs.writing import ROOT, write
from ses_operator.api.account.findings import Finding, Scope

PAGE = ROOT / "docs" / "audit.md"

_HEADINGS = {
    Scope.IDENTITY: "Of an identity in a region",
    Scope.ACCOUNT: "Of the account in a region that has identities",
}
_PART = re.compile(r"(?<=findings\.py -->\n).*?(?=<!-- end of findings -->)", re.DOTALL)


def page(text: str) -> str:
    """Return the page with the present findings, in place of those that it has."""
    return _PART.sub(lambda _: "\n".join(_findings()), text, count=1)


def _findings() -> Iterator[str]:
    for scope, heading in _HEADINGS.items():
        yield f"\n{heading}:\n"
        yield "| Finding | Severity | What it means | What to do |"
        yield "| --- | --- | --- | --- |"
        for finding in Finding:
            if finding.scope is scope:
                remedy = f"{finding.remedy[0].upper()}{finding.remedy[1:]}."
                yield f"| `{finding}` | {finding.severity} | {finding.meaning} | {remedy} |"
    yield "\n"


if __name__ == "__main__":
    write(PAGE, page(PAGE.read_text(encoding="utf-8")))
