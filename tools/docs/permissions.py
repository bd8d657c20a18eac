"""`python -m docs.permissions`: writes into docs/permissions.md the purpose of each action, and the example policy.

Run by `make docs`.
"""

from __future__ import annotations

import json
import re

from docs.writing import ROOT, write
from ses_operator.core.iam.permissions import ACTIONS, USUAL
from ses_operator.core.iam.policy import PolicyScope, operator_policy
from ses_operator.core.model.iam_actions import Action

PAGE = ROOT / "docs" / "permissions.md"
EXAMPLE = PolicyScope(features=USUAL, zones=("Z0123456789ABCDEFGHIJ",), account_id="123456789012")


def page(text: str) -> str:
    """Return the page with what the code says, in place of what it has.

    Rows stay where they are. A new action of SES gets a row below the last of its feature, or of SES where it is the first.
    """
    for action in ACTIONS:
        text = _with_row(text, action)
    policy = f"```json\n{json.dumps(operator_policy(EXAMPLE), indent=2)}\n```\n"
    return re.sub(r"^```json\n.*?^```\n", lambda _: policy, text, count=1, flags=re.MULTILINE | re.DOTALL)


def _with_row(text: str, action: Action) -> str:
    row = re.compile(rf"^(\| `{action.name}` \|(?: [^|]+ \|)?) [^|]+ \|$", re.MULTILINE)
    if row.search(text) or not action.name.startswith("ses:"):
        return row.sub(lambda found: f"{found[1]} {action.used_for} |", text)
    named = [other for other in ACTIONS if other.name.startswith("ses:") and f"\n| `{other.name}` |" in text]
    above = next((other for other in reversed(named) if other.feature is action.feature), named[-1])
    row_above = re.compile(rf"^\| `{above.name}` \|.*$", re.MULTILINE)
    return row_above.sub(lambda found: f"{found[0]}\n| `{action.name}` | {action.used_for} |", text, count=1)


if __name__ == "__main__":
    write(PAGE, page(PAGE.read_text(encoding="utf-8")))
