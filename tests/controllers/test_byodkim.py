"""DKIM with keys of the customer's, from Secrets: how they come to SES and DNS, change and go, and that nobody else sees them."""

from __future__ import annotations

import json
import logging
from base64 import b64decode, b64encode
from typing import Any

import pytest

from cluster.tenant import Tenant
from cluster.verdicts import explains
from controllers.world import World
from ses_operator.api.base.meta import WATCH_LABEL
from ses_operator.api.base.reasons import Reason
from ses_operator.core.features.keys.dkim_keys import new_key, read_key
from ses_operator.core.model.dkim_source import OwnKey
from ses_operator.core.model.record_values import txt
from ses_operator.core.model.record_values.dkim_key_record import published_key

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
SWITCH = "PutEmailIdentityDkimSigningAttributes"


def byodkim(selector: str, secret: str, **more: Any) -> dict[str, Any]:
    return {"mode": "BYODKIM", "byodkim": {"selector": selector, "privateKeySecretRef": {"name": secret}, **more}}


def secrets(tenant: Tenant) -> str:
    return f"/api/v1/namespaces/{tenant.namespace}/secrets"


def add_secret(tenant: Tenant, name: str, key: bytes, member: str = "tls.key") -> None:
    """A Secret of the tenant's, which is watched."""
    metadata = {"name": name, "namespace": tenant.namespace, "labels": {WATCH_LABEL: "true"}}
    data = {member: b64encode(key).decode()}
    tenant.api.create(secrets(tenant), {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


def owners(tenant: Tenant, name: str) -> list[tuple[str, str, str]]:
    """Kind, name and uid of the owners of a Secret, which the garbage collector goes by."""
    secret = tenant.api.get(f"{secrets(tenant)}/{name}")
    assert secret is not None
    found = secret["metadata"].get("ownerReferences", [])
    return [(owner["kind"], owner["name"], owner["uid"]) for owner in found]


def public_key(pem: bytes) -> str:
    key = read_key("any", pem)
    assert isinstance(key, OwnKey)
    return key.public_key


def published(tenant: Tenant) -> dict[str, str | None]:
    """The keys in DNS, by selector."""
    return {
        name.partition(".")[0]: published_key(txt.unquote(values[0]))
        for (name, kind), values in tenant.records().items()
        if kind == "TXT" and "._domainkey." in name
    }


def selectors_at_ses(tenant: Tenant) -> dict[str, tuple[str, ...]]:
    dkim = {region: found["DkimAttributes"] for region, found in tenant.at_ses().items()}
    return {r: tuple(found["Tokens"]) for r, found in dkim.items() if found["SigningAttributesOrigin"] == "EXTERNAL"}


def fragments(pem: bytes) -> list[str]:
    """What a private key would be recognised by, in whatever form it is told: each half that is not public."""
    body = "".join(pem.decode().splitlines()[1:-1])
    key = read_key("any", pem)
    assert isinstance(key, OwnKey)
    bare = key.private_key.reveal()
    return [body[-200:-160], bare[-200:-160], b64encode(pem).decode()[-200:-160]]


def test_a_key_from_a_secret_serves_all_regions_with_one_record_and_stands_nowhere_else(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "ses_operator")
    planted = new_key()
    tenant.create(IRELAND, VIRGINIA, dkim=byodkim("s1", "planted"))
    explains(tenant, Reason.SECRET_NOT_FOUND, "Secret planted does not exist", "generate")
    add_secret(tenant, "planted", b"hunter2")
    explains(
        tenant, Reason.DKIM_KEY_INVALID, "Secret planted has no DKIM key", "under tls.key", "neither PEM nor base64"
    )
    tenant.api.patch(f"{secrets(tenant)}/planted", {"data": {"tls.key": b64encode(planted).decode()}})
    identity = tenant.ready()

    assert published(tenant) == {"s1": public_key(planted)}
    assert selectors_at_ses(tenant) == {IRELAND: ("s1",), VIRGINIA: ("s1",)}
    fingerprints = {region.dkim.key_fingerprint for region in identity.status.regions if region.dkim}
    assert len(fingerprints) == 1
    before = tenant.last_call()
    tenant.reconciled()
    assert tenant.writes(since=before) == [], "the same key is not given twice"

    told = {
        "the object": json.dumps(tenant.api.get(tenant.path("mail"))),
        "Events": str(tenant.events()),
        "DNS and its ledger": str(tenant.records()),
        "the log": caplog.text,
        "what AWS tells": json.dumps(tenant.at_ses()),
        "the log of calls": json.dumps(tenant.calls()),
    }
    assert tenant.domain in caplog.text
    found = {place for place, text in told.items() for part in [*fragments(planted), "hunter2"] if part in text}
    assert found == set()


def test_a_new_selector_is_seen_before_ses_is_told_and_the_old_record_goes_last(tenant: Tenant) -> None:
    first, second = new_key(), new_key()
    add_secret(tenant, "first", first)
    tenant.create_ready(IRELAND, dkim=byodkim("s1", "first"))
    add_secret(tenant, "second", second)
    before = tenant.last_call()

    with tenant.refusing(SWITCH):
        tenant.change(dkim=byodkim("s2", "second"))
        tenant.not_ready(Reason.ACCESS_DENIED)
        assert published(tenant) == {"s1": public_key(first), "s2": public_key(second)}
        assert selectors_at_ses(tenant) == {IRELAND: ("s1",)}
    tenant.ready()
    tenant.wait(lambda: published(tenant) == {"s2": public_key(second)}, "the old record to go")
    assert selectors_at_ses(tenant) == {IRELAND: ("s2",)}
    calls = [call["operation"] for call in tenant.calls(since=before)]
    assert calls.index("ChangeResourceRecordSets") < calls.index(SWITCH)

    tenant.change(dkim={"mode": "Easy", "byodkim": None})
    tenant.wait(lambda: published(tenant) == {}, "the way back to Easy DKIM")
    tenant.ready()
    assert selectors_at_ses(tenant) == {}
    tenant.change(dkim=byodkim("s2", "second"))
    tenant.wait(lambda: selectors_at_ses(tenant) == {IRELAND: ("s2",)}, "the way to a key of ours")
    tenant.ready()

    tenant.delete()
    tenant.gone()
    assert (tenant.at_ses(), tenant.records()) == ({}, {})


def test_a_key_that_is_to_be_made_is_made_once_belongs_to_the_object_and_is_not_replaced_while_ses_signs_with_it(
    tenant: Tenant, world: World
) -> None:
    identity = tenant.create_ready(IRELAND, dkim=byodkim("s1", "made", generate=True))
    world.look()
    made = tenant.api.get(f"{secrets(tenant)}/made")
    assert made is not None
    key = b64decode(made["data"]["tls.key"])
    assert published(tenant) == {"s1": public_key(key)}
    assert owners(tenant, "made") == [("SesIdentity", "mail", identity.metadata.uid)]

    tenant.api.delete(f"{secrets(tenant)}/made")
    explains(
        tenant, Reason.SECRET_NOT_FOUND, "Secret made no longer exists", "choose another spec.dkim.byodkim.selector"
    )
    assert tenant.api.get(f"{secrets(tenant)}/made") is None
    assert published(tenant) == {"s1": public_key(key)}
    _lose_status_where_ses_cannot_be_read(tenant)
    assert tenant.api.get(f"{secrets(tenant)}/made") is None, "SES may sign with the key that is gone"
    explains(
        tenant, Reason.SECRET_NOT_FOUND, "Secret made no longer exists", "choose another spec.dkim.byodkim.selector"
    )
    assert tenant.api.get(f"{secrets(tenant)}/made") is None, "SES is seen to sign with it"
    assert published(tenant) == {"s1": public_key(key)}

    add_secret(tenant, "theirs", b"not a key", member="other")
    tenant.change(dkim=byodkim("s2", "theirs", generate=True))
    explains(tenant, Reason.SECRET_KEY_MISSING, "Secret theirs has no usable value under tls.key")
    tenant.change(dkim=byodkim("s2", "remade", generate=True))
    tenant.wait(lambda: set(published(tenant)) == {"s2"}, "the new key")
    tenant.ready()

    tenant.delete()
    tenant.gone()
    assert owners(tenant, "remade") == [("SesIdentity", "mail", identity.metadata.uid)], "it goes with the object"
    assert owners(tenant, "theirs") == []
    assert (tenant.at_ses(), tenant.records()) == ({}, {})


def _lose_status_where_ses_cannot_be_read(tenant: Tenant) -> None:
    """A reconcile finds neither what status remembers, nor what SES says."""
    with tenant.refusing("GetEmailIdentity"):
        tenant.api.patch(f"{tenant.path()}/status", {"status": None})
        tenant.not_ready(Reason.ACCESS_DENIED)
        identity = tenant.identity()
        assert identity is not None
        assert all(region.dkim is None for region in identity.status.regions)
