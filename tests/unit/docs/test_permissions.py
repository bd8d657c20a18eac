"""docs/permissions.md names every AWS operation that the operator's code names, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from botocore.loaders import Loader

from docs.permissions import page
from docs.repository import files as tracked
from ses_operator.core.iam.permissions import ACTIONS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")

IAM_PREFIXES = {"sns": "sns", "sesv2": "ses", "ses": "ses", "route53": "route53", "sts": "sts"}
# botocore assumes roles by itself when the credentials of a session ask for it: no line of ours names the operation.
CALLED_BY_BOTOCORE = {"sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"}
# A right without an operation (Service Authorization Reference, "Permission-only actions"): needed to create a replica.
ASKED_BY_SES = {"ses:ReplicateEmailIdentityDKIMSigningKey"}
# What the code knows of errors, not what it calls.
NOT_CALLED = {"errors.py"}


def actions_in_code() -> set[str]:
    """The IAM actions of all operations that stand as a string in the AWS package. Each is unique to one service here."""
    operations = {
        operation: f"{prefix}:{operation}"
        for service, prefix in IAM_PREFIXES.items()
        for operation in Loader().load_service_model(service, "service-2")["operations"]
    }
    files = (path for path in tracked(ROOT / "operator", ".py") if path.name not in NOT_CALLED)
    return {operations[text] for path in files for text in strings(path) if text in operations}


def strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def actions_in_tables() -> set[str]:
    return set(re.findall(r"^\| `([a-z0-9]+:[A-Za-z0-9]+)` \|", PAGE, re.MULTILINE))


def test_the_tables_name_just_what_is_called() -> None:
    assert actions_in_tables() == actions_in_code() | CALLED_BY_BOTOCORE | ASKED_BY_SES


def test_the_tables_name_just_what_the_table_in_the_code_names() -> None:
    named = {action for action in actions_in_tables() if not action.startswith("sts:")}
    assert named == {action.name for action in ACTIONS}


def test_what_each_action_is_for_and_the_example_policy_are_what_the_code_says() -> None:
    assert page(PAGE) == PAGE, "run `make docs`"


def test_a_new_action_of_ses_gets_a_row_below_those_of_its_feature() -> None:
    row = next(row for row in PAGE.splitlines() if row.startswith("| `ses:PutEmailIdentityFeedbackAttributes` |"))
    assert set(page(PAGE.replace(f"{row}\n", "")).splitlines()) == set(PAGE.splitlines())
    topics = [row for row in PAGE.splitlines() if "Notification" in row and row.startswith("| `ses:")]
    without = PAGE.replace(f"{topics[-1]}\n", "")
    assert page(without) == PAGE, "it comes after the last of its feature"
