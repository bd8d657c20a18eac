"""Audits of a tenant's SesAccount, and identities at SES for them to find."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cluster.tenant import Tenant
from devcluster.apiclient import ACCOUNTS
from ses_operator.api.account.audit import AuditStatus
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.meta import OWNER_TAG

CALGARY, TEL_AVIV = "ca-west-1", "il-central-1"


def set_audit(tenant: Tenant, audit: dict[str, Any] | None) -> None:
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"audit": audit}})


def account(tenant: Tenant) -> SesAccount:
    return SesAccount.model_validate(tenant.api.get(f"{ACCOUNTS}/{tenant.account}"))


def audited(tenant: Tenant, wanted: Callable[[AuditStatus], bool], what: str) -> AuditStatus:
    """Wait for an audit like this; return its status."""

    def found() -> AuditStatus | None:
        status = account(tenant).status.audit
        return status if status is not None and wanted(status) else None

    status = tenant.wait(found, what)
    assert status is not None
    return status


def make_strangers(tenant: Tenant) -> None:
    """Create an identity without an owner, an address of another client, and an orphan with an open policy."""
    ses = tenant.ses(CALGARY)
    ses.create_email_identity(EmailIdentity=f"forgotten.{tenant.domain}")
    ses.create_email_identity(EmailIdentity=f"me@{tenant.domain}", Tags=[{"Key": "owner", "Value": "me"}])
    orphan = f"orphan.{tenant.domain}"
    ses.create_email_identity(
        EmailIdentity=orphan, Tags=[{"Key": OWNER_TAG, "Value": f"tests/{tenant.namespace}/no-more"}]
    )
    arn = f"arn:aws:ses:{CALGARY}:123456789012:identity/{orphan}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ses:SendEmail", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ses.create_email_identity_policy(EmailIdentity=orphan, PolicyName="open", Policy=document)
