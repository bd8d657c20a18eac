"""Sending policies that let more senders in than intended: services for all their customers, unknown accounts.

One judge for the guardrail and for audits; the rule of the admission policy (``api.schema.admission``) says the same
of ``authorizedSenders``. What it does not understand, it does not let pass.
Source: SES Developer Guide, "Sending authorization policy anatomy"; IAM User Guide, "The confused deputy problem".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ses_operator.api.identity.sending import AuthorizedSender, RawPolicy
from ses_operator.core.model.policies.policy_documents import field_of
from ses_operator.core.model.policies.policy_terms import (
    DOCUMENT_ELEMENTS,
    STATEMENT_ELEMENTS,
    Principal,
    PrincipalType,
    accounts_bound,
    as_list,
    bound_values,
    principal_of_sender,
    principals,
)


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
        for each in map(principal_of_sender, sender.principals):
            if each.type is not PrincipalType.SERVICE:
                yield from _of_account(each, where, accounts)
            elif not sender.source_accounts:
                yield f"add sourceAccounts to {where}: without them {each} may send for all its customers"
            elif strangers := _strangers(sender.source_accounts, accounts):
                yield f"remove {strangers} from sourceAccounts of {where}: not in allowedAccounts"


def _of_policies(policies: Iterable[RawPolicy], accounts: AbstractSet[str]) -> Iterator[str]:
    for policy in policies:
        yield from _of_document(policy.document, field_of(policy.name), accounts)


def _of_document(document: Any, where: str, accounts: AbstractSet[str]) -> Iterator[str]:
    """Yield what is too open. A text that is no policy at all is reported elsewhere, and never set."""
    parsed = _parsed(document)
    if not isinstance(parsed, Mapping):
        return
    if unknown := sorted(map(str, parsed.keys() - DOCUMENT_ELEMENTS)):
        yield f"remove {', '.join(unknown)} from {where}: not an element of a policy"
    for statement in as_list(parsed.get("Statement")):
        if isinstance(statement, Mapping) and statement.get("Effect") != "Deny":
            yield from _of_allowing(statement, where, accounts)


def _of_allowing(statement: Mapping[str, Any], where: str, accounts: AbstractSet[str]) -> Iterator[str]:
    if unknown := sorted(map(str, statement.keys() - STATEMENT_ELEMENTS)):
        yield f"remove {', '.join(unknown)} from {where}: not an element of a statement"
    if "NotPrincipal" in statement:
        yield f"name who may send in Principal of {where}: NotPrincipal lets everyone else send"
    for each in principals(statement.get("Principal")):
        yield from _of_principal(each, statement.get("Condition"), where, accounts)


def _of_principal(each: Principal, condition: Any, where: str, accounts: AbstractSet[str]) -> Iterator[str]:
    match each.type:
        case PrincipalType.SERVICE:
            yield from _of_service(each, condition, where, accounts)
        case PrincipalType.AWS if each.is_anyone:
            yield from _of_anyone(each, condition, where, accounts)
        case PrincipalType.AWS | PrincipalType.FEDERATED if each.account:
            yield from _of_account(each, where, accounts)
        case PrincipalType.AWS:
            # An id that IAM shows for a principal that is gone, or what is no principal at all.
            if accounts:
                yield f"{where}: remove {each}: its AWS account cannot be told, and so is not in allowedAccounts"
        case PrincipalType.FEDERATED:
            yield f"{where}: remove the federated principal {each}, which lets all its users send"
        case PrincipalType.CANONICAL_USER | PrincipalType.UNKNOWN:
            yield f"{where}: remove the principal {each}: name accounts, users and roles by AWS, and services by Service"


def _of_service(each: Principal, condition: Any, where: str, accounts: AbstractSet[str]) -> Iterator[str]:
    if each.is_anyone:
        yield f"{where}: remove the principal {each}, which lets any service send"
        return
    bound = tuple(accounts_bound(condition, "aws:sourceaccount", "aws:sourcearn"))
    if bound:
        if not any(found <= accounts for found in bound) and accounts:
            yield f"remove {_strangers(bound[0], accounts)} from the condition of {where}: not in allowedAccounts"
    elif accounts or not _is_of_organization(condition, "aws:sourceorgid"):
        yield f"add a condition on aws:SourceAccount to {where}: without it {each} may send for all its customers"


def _of_anyone(each: Principal, condition: Any, where: str, accounts: AbstractSet[str]) -> Iterator[str]:
    bound = tuple(accounts_bound(condition, "aws:principalaccount", "aws:principalarn"))
    is_bound = any(found <= accounts for found in bound) if accounts else bool(bound)
    if not is_bound and (accounts or not _is_of_organization(condition, "aws:principalorgid")):
        yield f"{where}: remove the principal {each}, which lets anyone send"


def _of_account(each: Principal, where: str, accounts: AbstractSet[str]) -> Iterator[str]:
    if accounts and each.account not in accounts:
        yield f"{where}: remove {each}: its AWS account is not in allowedAccounts"


def _is_of_organization(condition: Any, key: str) -> bool:
    """Return True if a request has to come from organizations that are named."""
    found = bound_values(condition, key)
    return any(all(value.startswith("o-") and value[2:].isalnum() for value in values) for _, values in found)


def _strangers(found: Iterable[str], accounts: AbstractSet[str]) -> str:
    return ", ".join(sorted(set(found) - accounts)) if accounts else ""


def _parsed(document: Any) -> Any:
    if not isinstance(document, str):
        return document
    try:
        return json.loads(document)
    except (ValueError, RecursionError):
        return None
