"""The Secrets with the keys of BYODKIM: read at each reconcile, made if the spec asks for it. Nothing of them is kept."""

from __future__ import annotations

import asyncio

from ses_operator.api.base.meta import (
    API_VERSION,
    IDENTITY_KIND,
    IDENTITY_NAME_LABEL,
    IDENTITY_NAMESPACE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    WATCH_LABEL,
)
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.dkim import ByodkimSpec
from ses_operator.api.identity.kind import DeletionPolicy, SesIdentity
from ses_operator.controllers.shared.cluster import secret_key
from ses_operator.core.features.keys.dkim_keys import Unusable, new_key, read_key
from ses_operator.core.model.dkim_source import MissingKey, OwnKey
from ses_operator.core.model.problems import Blocked, Gone, Problem, Stale
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import SECRETS, JsonObject
from ses_operator.runtime.kube.secrets import encoded, value_of


class DkimKeys:
    """Keys by the Secret that a spec names, in the namespace of its object. Holds no state."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def read(self, identity: SesIdentity, in_use: frozenset[str] = frozenset()) -> OwnKey | MissingKey | None:
        """Return the key that the spec names, or why it is not available; None if it names none.

        ``in_use``: the selectors that SES signs with, or may sign with, in addition to those in status.
        """
        byodkim = identity.spec.dkim.byodkim
        if byodkim is None:
            return None
        try:
            secret = await self._client.get(SECRETS.object(secret_key(identity, byodkim)))
        except Gone:
            return MissingKey(byodkim.selector, _absent(identity, byodkim, in_use))
        except Blocked as error:
            return MissingKey(byodkim.selector, error.problem)
        return await _key_in(secret, byodkim)

    async def make(self, identity: SesIdentity, in_use: frozenset[str]) -> OwnKey | MissingKey | None:
        """Return the key, made into a Secret of the object's own if there is none; None if none is to be made.

        One request creates Secret and key. If another client was faster, its Secret is not overwritten: then its key
        is used.
        """
        byodkim = identity.spec.dkim.byodkim
        if byodkim is None or not _is_to_be_made(identity, byodkim, frozenset()):
            return None
        if byodkim.selector in in_use:
            return await self.read(identity, in_use)  # status was lost, or another installation gave SES the key
        manifest = _manifest(identity, byodkim, await asyncio.to_thread(new_key))
        try:
            secret = await self._client.create(SECRETS.collection(identity.metadata.namespace), manifest)
        except Stale:
            return await self.read(identity)
        except Blocked as error:
            return MissingKey(byodkim.selector, error.problem)
        return await _key_in(secret, byodkim)


async def _key_in(secret: JsonObject, byodkim: ByodkimSpec) -> OwnKey | MissingKey:
    reference = byodkim.private_key_secret_ref
    text = value_of(secret, reference.key)
    if text is None:
        message = (
            f"Secret {reference.name} has no usable value under {reference.key}. Put the private key there, or correct "
            "spec.dkim.byodkim.privateKeySecretRef.key"
        )
        return MissingKey(byodkim.selector, Problem(Reason.SECRET_KEY_MISSING, message))
    key = await asyncio.to_thread(read_key, byodkim.selector, text)  # some hundredths of a second
    if not isinstance(key, Unusable):
        return key
    message = (
        f"Secret {reference.name} has no DKIM key that SES accepts under {reference.key}: {key.why}. Store an RSA key "
        "of 1024 to 2048 bits there, as PEM (PKCS#1 or PKCS#8) or in base64 without the PEM header"
    )
    return MissingKey(byodkim.selector, Problem(Reason.DKIM_KEY_INVALID, message))


def _absent(identity: SesIdentity, byodkim: ByodkimSpec, in_use: frozenset[str]) -> Problem:
    name = byodkim.private_key_secret_ref.name
    if _is_to_be_made(identity, byodkim, in_use):
        return Problem(
            Reason.PROGRESSING, f"Secret {name} does not exist yet and is about to be created with a new DKIM key"
        )
    if byodkim.generate:
        return Problem(
            Reason.SECRET_NOT_FOUND,
            f"Secret {name} no longer exists, but SES signs with its key under selector {byodkim.selector}, or may do so where "
            "it cannot be read. Restore the Secret, or choose another spec.dkim.byodkim.selector, for which a new key is created",
        )
    return Problem(
        Reason.SECRET_NOT_FOUND,
        f"Secret {name} does not exist in namespace {identity.metadata.namespace}. Create it with the private key "
        f"under {byodkim.private_key_secret_ref.key}, or set spec.dkim.byodkim.generate to true",
    )


def _is_to_be_made(identity: SesIdentity, byodkim: ByodkimSpec, in_use: frozenset[str]) -> bool:
    """Return True if a new key may be made.

    Not under a selector that SES signs with already: its record would have to change, and no receiver could check the
    signature of any mail, until SES has the new key.
    """
    told = {region.dkim.tokens for region in identity.status.regions if region.dkim and region.dkim.key_fingerprint}
    return byodkim.generate and (byodkim.selector,) not in told and byodkim.selector not in in_use


def _manifest(identity: SesIdentity, byodkim: ByodkimSpec, key: bytes) -> JsonObject:
    """Return the manifest of the Secret, which is deleted with the object.

    An object that is being deleted no longer needs it: SES has a copy of the key, and the ledger names the records.
    Under Retain SES goes on to sign with the key, and the Secret is kept.
    """
    meta, reference = identity.metadata, byodkim.private_key_secret_ref
    owner = {"apiVersion": API_VERSION, "kind": IDENTITY_KIND, "name": meta.name, "uid": meta.uid, "controller": True}
    retained = identity.spec.deletion_policy is DeletionPolicy.RETAIN
    return {
        "apiVersion": SECRETS.api_version,
        "kind": SECRETS.kind,
        "metadata": {
            "name": reference.name,
            "namespace": meta.namespace,
            "labels": {
                MANAGED_BY_LABEL: MANAGED_BY,
                IDENTITY_NAMESPACE_LABEL: meta.namespace,
                IDENTITY_NAME_LABEL: meta.name,
                WATCH_LABEL: "true",
            },
            "ownerReferences": [] if retained else [owner],
        },
        "immutable": True,
        "data": {reference.key: encoded(key)},
    }
