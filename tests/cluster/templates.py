"""SesVerificationTemplates for tests."""

from __future__ import annotations

from typing import Any

from cluster.tenant import Tenant
from ses_operator.api.base.meta import API_VERSION


def template(tenant: Tenant, **spec: Any) -> dict[str, Any]:
    """A SesVerificationTemplate called welcome, whose sender is at the tenant's domain."""
    wanted = {
        "fromEmailAddress": f"hello@{tenant.domain}",
        "subject": "Please confirm",
        "content": "<p>Welcome</p>",
        "successRedirectURL": "https://www.example.com/yes",
        "failureRedirectURL": "https://www.example.com/no",
        "accountRef": {"name": tenant.account},
        **spec,
    }
    metadata = {"name": "welcome", "namespace": tenant.namespace}
    return {"apiVersion": API_VERSION, "kind": "SesVerificationTemplate", "metadata": metadata, "spec": wanted}
