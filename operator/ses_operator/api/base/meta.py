"""Names that the operator writes into Kubernetes and AWS, and the metadata that it reads of an object."""

from __future__ import annotations

from collections.abc import Mapping

from ses_operator.api.base.model import Model, Timestamp

GROUP = "ses-operator.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

IDENTITY_KIND = "SesIdentity"
IDENTITY_PLURAL = "sesidentities"
TEMPLATE_KIND = "SesVerificationTemplate"
TEMPLATE_PLURAL = "sesverificationtemplates"
ACCOUNT_KIND = "SesAccount"
ACCOUNT_PLURAL = "sesaccounts"

PREFIX = f"{GROUP}/"
"""The prefix of all keys of this operator, in labels, annotations, finalizers and AWS tags."""

FINALIZER = f"{PREFIX}finalizer"
"""On SesIdentity before the first external write, and on each DNSEndpoint that the operator makes."""

RECONCILE_REQUESTED_AT = f"{PREFIX}reconcile-requested-at"
"""Annotation set by people: any new value requests a reconcile now; echoed in status.lastHandledReconcileAt."""

HAND_OVER_TO = f"{PREFIX}hand-over-to"
"""Annotation set by people (``ses-operator handover``): the id of the installation that becomes the owner of what
this object owns. The operator of that installation ignores it."""

INVENTORY = f"{PREFIX}inventory"
"""Annotation set by the operator: what was, or was about to be, made outside the cluster; what deletion has to undo."""

WITHDRAW_FROM = f"{PREFIX}withdraw-from"
"""Annotation set by people: a place where records were published before (``Route53/<zone id>`` or ``DNSEndpoint``),
to be cleared without waiting until name servers answer from the new one. It is removed when that is done."""

ALLOW_DELETION = f"{PREFIX}allow-deletion"
"""Annotation set by people, with the value true: this SesIdentity may be deleted, and lose regions, whatever the
deletion limit of its account."""

LET_GO_AT = f"{PREFIX}let-go-at"
"""Annotation set by the operator: when the deletion limit released this SesIdentity. What has begun to be deleted is
not held up again."""

DELETIONS = f"{PREFIX}deletions"
"""Annotation set by the operator on a SesAccount with a deletion limit: how many of its identities were released, by
minute of the last hour."""

NOTIFICATIONS = f"{PREFIX}notifications"
"""Annotation set by the operator on a SesAccount with notifications: how many emails were sent, by minute of the last hour."""

WATCH_LABEL = f"{PREFIX}watch"
"""Label that people put on a Secret, with the value true, so that the operator reacts to a change of it at once."""

LEDGER_KEY_LABEL = f"{PREFIX}ledger-key"
"""Label, with the value true, of Secrets in the operator's namespace whose keys sign ledgers: its own, and those of other
installations that people have put there."""

IDENTITY_NAMESPACE_LABEL = f"{PREFIX}identity-namespace"
IDENTITY_NAME_LABEL = f"{PREFIX}identity"
"""Labels on a DNSEndpoint that name the SesIdentity it belongs to (there is no ownerReference, on purpose)."""

OWNER_TAG = f"{PREFIX}owner"
"""AWS tag on an SES identity: ``<installationID>/<namespace>/<name>`` of the SesIdentity that holds it."""

SETTINGS_MARK, POLICIES_MARK, TAGS_MARK = f"{PREFIX}settings", f"{PREFIX}policies", f"{PREFIX}tags"
"""AWS tags on an SES identity that name what the operator has set there: see ``core.features.marks``."""

MARK_TAGS = frozenset({SETTINGS_MARK, POLICIES_MARK, TAGS_MARK})

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "ses-operator"

MAX_NAME = 63
"""Longest name of a SesIdentity: it is part of label values (63), and of the owner tag (256) beside id and namespace."""

MAX_INSTALLATION_ID = 64
"""Longest installation id, so that the owner tag stays within SES's 256 characters."""


class ObjectMeta(Model):
    """The part of metadata that the operator reads. ``namespace`` is empty on cluster-scoped kinds."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None
    finalizers: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}

    @property
    def is_deleting(self) -> bool:
        """True from the moment that deletion was asked for until the finalizers are gone."""
        return self.deletion_timestamp is not None

    @property
    def has_finalizer(self) -> bool:
        """True if this operator's finalizer holds the object."""
        return FINALIZER in self.finalizers
