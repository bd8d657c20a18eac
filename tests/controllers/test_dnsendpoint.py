"""Through a DNSEndpoint: what the spec adds to its entries, and what others have in it."""

from __future__ import annotations

import pytest

from cluster.tenant import Tenant

pytestmark = pytest.mark.usefixtures("dnsendpoints")

IRELAND = "eu-west-1"
PROXIED = "external-dns.alpha.kubernetes.io/cloudflare-proxied"
ENDPOINT = {"provider": "DNSEndpoint"}
PATH = "/apis/externaldns.k8s.io/v1alpha1/namespaces/{}/dnsendpoints/mail"
WWW = {"dnsName": "www.example.com", "recordType": "A", "targets": ["192.0.2.1"]}


def properties(tenant: Tenant) -> list[dict[str, str]]:
    """The properties of each entry, by name."""
    return [
        {each["name"]: each["value"] for each in endpoint.get("providerSpecific", [])}
        for endpoint in tenant.endpoints()
    ]


def test_properties_of_the_account_and_of_the_identity_are_on_every_entry(tenant: Tenant) -> None:
    of_account = [{"name": PROXIED, "value": "true"}, {"name": "x/y", "value": "1"}]
    tenant.environment.add_account(tenant.account, providerSpecific=of_account)

    tenant.create(IRELAND, dns={"providerSpecific": [{"name": PROXIED, "value": "false"}]})
    tenant.wait(tenant.endpoints, "the DNSEndpoint")
    assert properties(tenant) == [{PROXIED: "false", "x/y": "1"}] * 3

    tenant.change(dns={"provider": "DNSEndpoint", "providerSpecific": None})
    tenant.wait(lambda: {PROXIED: "true", "x/y": "1"} in properties(tenant), "the account's own")


def test_a_property_that_another_sets_by_hand_stays_through_changes_of_ours(tenant: Tenant) -> None:
    tenant.create(IRELAND, dns=ENDPOINT)
    first, *others = tenant.wait(tenant.endpoints, "the DNSEndpoint")
    by_hand = {**first, "providerSpecific": [{"name": PROXIED, "value": "false"}]}
    tenant.api.patch(PATH.format(tenant.namespace), {"spec": {"endpoints": [by_hand, *others, WWW]}})

    tenant.change(mailFrom={"subdomain": "bounce"})

    tenant.wait(lambda: len(tenant.endpoints()) == 6, "the records of the MAIL FROM domain")
    by_name = {each["dnsName"]: each for each in tenant.endpoints()}
    assert by_name[first["dnsName"]] == by_hand
    assert by_name["www.example.com"] == WWW


def test_what_others_have_in_the_object_outlives_the_identity(tenant: Tenant) -> None:
    tenant.create(IRELAND, dns=ENDPOINT)
    ours = tenant.wait(tenant.endpoints, "the DNSEndpoint")
    tenant.api.patch(PATH.format(tenant.namespace), {"spec": {"endpoints": [*ours, WWW]}})

    tenant.delete()
    tenant.gone()

    assert tenant.endpoints() == [WWW]
    assert any("www.example.com" in message for _, _, message in tenant.events())
