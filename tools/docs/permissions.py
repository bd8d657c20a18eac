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

    Rows stay where they are; a new action needs a new row.
    """
    for action in ACTIONS:
        text = _with_row(text, action)
    policy = f"```json\n{json.dumps(operator_policy(EXAMPLE), indent=2)}\n```\n"
    return re.sub(r"^```json\n.*?^```\n", lambda _: policy, text, count=1, flags=re.MULTILINE | re.DOTALL)


def _with_row(text: str, action: Action) -> str:
    row = re.compile(rf"^(\| `{action.name}` \|(?: [^|]+ \|)?) [^|]+ \|$", re.MULTILINE)
    return row.sub(lambda found: f"{found[1]} {action.used_for} |", text)


if __name__ == "__main__":
    write(PAGE, page(PAGE.read_text(encoding="utf-8")))
