"""The operator's own kinds, and others that it writes, as resources of the Kubernetes API."""

from __future__ import annotations

from ses_operator.api.base import meta
from ses_operator.runtime.kube.resources import Resource

IDENTITIES = Resource(meta.GROUP, meta.VERSION, meta.IDENTITY_PLURAL, meta.IDENTITY_KIND)
TEMPLATES = Resource(meta.GROUP, meta.VERSION, meta.TEMPLATE_PLURAL, meta.TEMPLATE_KIND)
ACCOUNTS = Resource(meta.GROUP, meta.VERSION, meta.ACCOUNT_PLURAL, meta.ACCOUNT_KIND, is_namespaced=False)
POLICY_REPORTS = Resource(
    "wgpolicyk8s.io", "v1alpha2", "clusterpolicyreports", "ClusterPolicyReport", is_namespaced=False
)
