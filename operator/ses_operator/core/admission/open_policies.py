"""Sending policies that let more senders in than intended: services for all their customers, unknown accounts.

Source: SES Developer Guide, "Sending authorization policy anatomy"; IAM User Guide, "The confused deputy problem".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ses_operator.api.base.partitions import DNS_SUFFIXES
from ses_operator.api.identity.sending import AuthorizedSender, RawPolicy
from ses_operator.core.model.policy_documents import as_list, field_of

ON_BEHALF_OF = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid"})
"""The condition keys, in lower case, that limit on whose behalf an AWS service may send."""


def open_statement(
    senders: Iterable[AuthorizedSender], policies: Iterable[RawPolicy], accounts: AbstractSet[str]
) -> str:
    """Return the first statement that is too open, with its field and the way out; empty if there is none.

    ``accounts``: the AWS accounts that may be allowed to send; empty: any that is named.
    """
    for fault in (*_of_senders(senders, accounts), *_of_policies(policies, accounts)):
        return fault
    return ""


def open_document(policies: Mapping[str, str], accounts: AbstractSet[str]) -> str:
    """Return the same for policies as they are at SES: JSON by name."""
    for name, document in sorted(policies.items()):
        for fault in _of_document(document, f"the policy {name}", accounts):
            return fault
    return ""


def _of_senders(senders: Iterable[AuthorizedSender], accounts: AbstractSet[str]) -> Iterator[str]:
    for sender in senders:
        where = f"spec.authorizedSenders[{sender.name}]"
        for principal in sender.principals:
            if _is_service(principal) and not sender.source_accounts:
                yield f"add sourceAccounts to {where}: without them {principal} may send for all its customers"
            elif fault := _stranger(principal, accounts):
                yield f"{where}: {fault}"


def _of_policies(policies: Iterable[RawPolicy], accounts: AbstractSet[str]) -> Iterator[str]:
    for policy in policies:
        yield from _of_document(policy.document, field_of(policy.name), accounts)


def _of_document(document: Any, where: str, accounts: AbstractSet[str]) -> Iterator[str]:
    for statement in _allowing(document):
        principals = statement.get("Principal")
        groups = principals if isinstance(principals, dict) else {"AWS": principals}
        is_on_behalf = bool(ON_BEHALF_OF & _condition_keys(statement))
        for name in (str(name) for group in groups.values() for name in as_list(group)):
            if _is_service(name) and not is_on_behalf:
                yield f"add a condition on aws:SourceAccount to {where}: without it {name} may send for all its customers"
            elif fault := _stranger(name, accounts):
                yield f"{where}: {fault}"


def _allowing(document: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the statements that allow something. A text that is no policy at all is reported elsewhere, and never set."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            return
    for statement in as_list(document.get("Statement")) if isinstance(document, dict) else ():
        if isinstance(statement, dict) and statement.get("Effect") == "Allow":
            yield statement


def _condition_keys(statement: Mapping[str, Any]) -> set[str]:
    conditions = statement.get("Condition")
    tests = conditions.values() if isinstance(conditions, dict) else ()
    return {str(key).lower() for test in tests if isinstance(test, dict) for key in test}


def _is_service(principal: str) -> bool:
    return principal.endswith(tuple(f".{suffix}" for suffix in DNS_SUFFIXES))


def _stranger(principal: str, accounts: AbstractSet[str]) -> str:
    if "*" in principal:
        return "remove the principal *, which lets anyone send"
    account = principal if principal.isdigit() else principal.split(":")[4] if principal.count(":") >= 5 else ""
    if _is_service(principal) or not accounts or account in accounts:
        return ""
    return f"remove {principal}: its AWS account is not in allowedAccounts"
