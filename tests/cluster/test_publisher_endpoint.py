"""One DNSEndpoint for each SesIdentity, against a real apiserver with ExternalDNS's CRD."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devcluster import binaries
from devcluster.apiclient import ApiClient
from devcluster.controlplane import ControlPlane
from devcluster.externaldns import dnsendpoint_crd
from ses_operator.api.account.kind import TxtQuoting
from ses_operator.api.base.meta import FINALIZER, IDENTITY_NAME_LABEL, OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.endpoint_entries import Endpoint, OwnedEntries, merge_entries
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.problems import Blocked, Retry, Stale
from ses_operator.core.model.records import RecordSet, dkim_records, mail_from_records
from ses_operator.core.state.publication import EntryProperty, Publication, RecordState
from ses_operator.core.state.steps import Surplus
from ses_operator.dns.endpoint import DnsEndpointPublisher
from ses_operator.dns.endpoint_object import DNS_ENDPOINTS, EndpointObject, manifest
from ses_operator.runtime.kube.client import KubeClient, load_configuration

DOMAIN = "mail.example.com"
DKIM = dkim_records(DOMAIN, "eu-west-1", ("abc",), "dkim.amazonses.com", 300)
MX, SPF = mail_from_records(f"bounce.{DOMAIN}", "eu-west-1", 300)
RECORDS: tuple[RecordSet, ...] = (*DKIM, MX, SPF)
CRD = "crd/dnsendpoints.externaldns.k8s.io"


@pytest.fixture(scope="module")
def installed(control_plane: ControlPlane) -> None:
    """ExternalDNS's kind."""
    control_plane.kubectl.apply(dnsendpoint_crd())
    control_plane.kubectl.await_kinds(CRD)


@pytest.fixture
def api(control_plane: ControlPlane) -> ApiClient:
    return control_plane.api


@pytest.fixture
async def client(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    async with KubeClient(await load_configuration(str(control_plane.kubeconfig))) as opened:
        yield opened


@pytest.fixture
def publisher(client: KubeClient, installed: None) -> DnsEndpointPublisher:  # noqa: ARG001 - it needs the kind
    return DnsEndpointPublisher(client)


@pytest.fixture
def publication(namespace: str, api: ApiClient) -> Iterator[Publication]:
    owner = Owner("test", ObjectKey(namespace, "mail"))
    yield Publication(owner, DOMAIN, labels={"dns": "public"}, annotations={"note": "by hand"})
    for found in (api.get(_collection(namespace)) or {"items": []})["items"]:
        api.patch(f"{_collection(namespace)}/{found['metadata']['name']}", {"metadata": {"finalizers": None}})


def _collection(namespace: str) -> str:
    return f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{namespace}/dnsendpoints"


def path(publication: Publication) -> str:
    """Where its object is, or would be."""
    key = publication.owner.key
    return f"{_collection(key.namespace)}/{key.name}"


def stored(api: ApiClient, publication: Publication) -> dict[str, Any]:
    found = api.get(path(publication))
    assert found is not None
    return found


def exists(api: ApiClient, publication: Publication) -> bool:
    return api.get(path(publication)) is not None


def foreign(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "externaldns.k8s.io/v1alpha1",
        "kind": "DNSEndpoint",
        "metadata": {"name": "mail", "namespace": namespace},
        "spec": {"endpoints": [{"dnsName": "www.example.com", "recordType": "A", "targets": ["192.0.2.1"]}]},
    }


async def test_all_records_stand_in_one_object_as_externaldns_reads_them(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    answer = await publisher.publish(publication, RECORDS)
    assert answer.in_sync
    assert {record.state for record in answer.records} == {RecordState.PENDING}
    assert stored(api, publication)["spec"]["endpoints"] == [
        {
            "dnsName": f"abc._domainkey.{DOMAIN}",
            "recordType": "CNAME",
            "recordTTL": 300,
            "targets": ["abc.dkim.amazonses.com"],
        },
        {
            "dnsName": f"bounce.{DOMAIN}",
            "recordType": "MX",
            "recordTTL": 300,
            "targets": ["10 feedback-smtp.eu-west-1.amazonses.com"],
        },
        {
            "dnsName": f"bounce.{DOMAIN}",
            "recordType": "TXT",
            "recordTTL": 300,
            "targets": ['"v=spf1 include:amazonses.com ~all"'],
        },
    ]


async def test_the_object_names_its_owner_is_held_by_our_finalizer_and_has_no_owner_reference(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    metadata = stored(api, publication)["metadata"]
    assert metadata["finalizers"] == [FINALIZER]
    assert metadata["annotations"][OWNER_TAG] == str(publication.owner)
    assert metadata["annotations"]["note"] == "by hand"
    assert metadata["labels"][IDENTITY_NAME_LABEL] == "mail"
    assert metadata["labels"]["dns"] == "public"
    assert "ownerReferences" not in metadata


@pytest.mark.usefixtures("installed")
async def test_a_txt_stands_verbatim_where_the_provider_adds_quotes_itself(
    client: KubeClient, publication: Publication, api: ApiClient
) -> None:
    await DnsEndpointPublisher(client, TxtQuoting.VERBATIM).publish(publication, (SPF,))
    (endpoint,) = stored(api, publication)["spec"]["endpoints"]
    assert endpoint["targets"] == ["v=spf1 include:amazonses.com ~all"]


async def test_what_stands_as_wished_is_not_written_again(
    publisher: DnsEndpointPublisher, publication: Publication, control_plane: ControlPlane
) -> None:
    await publisher.publish(publication, RECORDS)
    mark = control_plane.audit.mark()
    assert (await publisher.observe(publication, RECORDS)).in_sync
    assert (await publisher.publish(publication, RECORDS)).in_sync
    assert [write for write in control_plane.audit.writes(since=mark) if write.resource == "dnsendpoints"] == []


async def test_before_anything_is_written_every_record_is_missing(
    publisher: DnsEndpointPublisher, publication: Publication
) -> None:
    observation = await publisher.observe(publication, RECORDS)
    assert not observation.in_sync
    assert {record.state for record in observation.records} == {RecordState.MISSING}


async def test_a_record_no_longer_wanted_leaves_the_object(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    observation = await publisher.observe(publication, DKIM)
    assert observation.surplus == (f"MX bounce.{DOMAIN}", f"TXT bounce.{DOMAIN}")
    await publisher.publish(publication, DKIM)
    assert len(stored(api, publication)["spec"]["endpoints"]) == 1


async def test_surplus_that_is_to_be_kept_stays_in_the_object(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    assert (await publisher.observe(publication, DKIM, Surplus.KEEP)).in_sync
    await publisher.publish(publication, DKIM, Surplus.KEEP)
    assert len(stored(api, publication)["spec"]["endpoints"]) == 3


async def test_a_label_that_is_no_longer_wanted_goes_and_those_of_others_stay(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    api.patch(path(publication), {"metadata": {"labels": {"theirs": "stays"}}})
    without = Publication(publication.owner, DOMAIN)
    assert not (await publisher.observe(without, RECORDS)).in_sync
    await publisher.publish(without, RECORDS)
    labels = stored(api, publication)["metadata"]["labels"]
    assert "dns" not in labels
    assert labels["theirs"] == "stays"


async def test_what_somebody_changed_in_the_object_is_put_right(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, (SPF,))
    wrong = {"dnsName": "bounce.mail.example.com", "recordType": "TXT", "targets": ["wrong"]}
    api.patch(path(publication), {"spec": {"endpoints": [wrong]}})
    (observed,) = (await publisher.observe(publication, (SPF,))).records
    assert observed.state is RecordState.DIFFERENT
    assert "wrong" in observed.message
    await publisher.publish(publication, (SPF,))
    (endpoint,) = stored(api, publication)["spec"]["endpoints"]
    assert endpoint["targets"] == ['"v=spf1 include:amazonses.com ~all"']


async def test_an_object_of_that_name_that_is_not_ours_is_never_overwritten_nor_deleted(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    api.apply(path(publication), foreign(publication.owner.key.namespace))
    before = stored(api, publication)
    for answer in (await publisher.observe(publication, RECORDS), await publisher.publish(publication, RECORDS)):
        assert {record.state for record in answer.records} == {RecordState.CONFLICT}
        assert answer.problem is not None
        assert "not overwritten" in answer.problem.message
    await publisher.withdraw(publication)
    await publisher.release(publication)
    assert stored(api, publication) == before


WWW = {
    "dnsName": "www.example.com",
    "recordType": "A",
    "recordTTL": 60,
    "targets": ["192.0.2.1"],
    "labels": {"theirs": "yes"},
    "providerSpecific": [{"name": "alias", "value": "false"}],
}
WEIGHTED = {
    "dnsName": f"bounce.{DOMAIN}",
    "recordType": "MX",
    "setIdentifier": "blue",
    "targets": ["10 mx.example.net"],
}
PROXIED = "external-dns.alpha.kubernetes.io/cloudflare-proxied"


def add_entry(api: ApiClient, publication: Publication, *entries: dict[str, Any]) -> None:
    """Another client adds entries to the operator's object, as it must: it writes the whole list."""
    endpoints = [*stored(api, publication)["spec"]["endpoints"], *entries]
    api.patch(path(publication), {"spec": {"endpoints": endpoints}})


async def test_entries_of_others_survive_in_the_object_and_never_become_ours(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    add_entry(api, publication, WWW, WEIGHTED)

    assert (await publisher.observe(publication, RECORDS)).in_sync
    assert await publisher.holdings(publication) == {record.id for record in RECORDS}

    observation = await publisher.publish(publication, DKIM)
    assert observation.in_sync
    assert stored(api, publication)["spec"]["endpoints"][1:] == [WWW, WEIGHTED]

    (sentence,) = await publisher.withdraw(publication)
    assert "A www.example.com" in sentence
    left = stored(api, publication)
    assert left["spec"]["endpoints"] == [WWW, WEIGHTED]
    assert "finalizers" not in left["metadata"]
    assert OWNER_TAG not in left["metadata"].get("annotations", {})


async def test_an_entry_of_another_in_the_place_of_ours_is_a_conflict_unless_it_serves(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, DKIM)
    theirs = {"dnsName": MX.name, "recordType": "MX", "targets": ["10 mx.example.net"]}
    policy = {"dnsName": SPF.name, "recordType": "TXT", "targets": ["v=spf1 include:amazonses.com -all"]}
    add_entry(api, publication, theirs, policy)

    states = {entry.record.id: entry for entry in (await publisher.publish(publication, RECORDS)).records}

    assert states[MX.id].state is RecordState.CONFLICT
    assert "10 mx.example.net" in states[MX.id].message
    assert states[SPF.id].state is RecordState.PENDING
    assert stored(api, publication)["spec"]["endpoints"][1:] == [theirs, policy]


async def test_properties_for_the_provider_are_on_our_entries_and_those_of_others_stay(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    wanted = replace(publication, provider_specific=(EntryProperty(PROXIED, "false"),))
    await publisher.publish(wanted, DKIM)
    (entry,) = stored(api, publication)["spec"]["endpoints"]
    assert entry["providerSpecific"] == [{"name": PROXIED, "value": "false"}]

    by_hand = [{"name": "aws/weight", "value": "1"}, {"name": PROXIED, "value": "true"}]
    api.patch(path(publication), {"spec": {"endpoints": [{**entry, "providerSpecific": by_hand}]}})
    (observed,) = (await publisher.observe(wanted, DKIM)).records
    assert observed.state is RecordState.DIFFERENT
    await publisher.publish(wanted, (*DKIM, MX))
    first, second = stored(api, publication)["spec"]["endpoints"]
    assert first["providerSpecific"] == [{"name": "aws/weight", "value": "1"}, {"name": PROXIED, "value": "false"}]
    assert second["providerSpecific"] == [{"name": PROXIED, "value": "false"}]

    await publisher.publish(publication, (*DKIM, MX))
    first, second = stored(api, publication)["spec"]["endpoints"]
    assert first["providerSpecific"] == [{"name": "aws/weight", "value": "1"}]
    assert "providerSpecific" not in second


async def test_a_list_that_another_has_just_changed_is_not_overwritten(
    client: KubeClient, publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, DKIM)
    before = EndpointObject.of(await client.get(DNS_ENDPOINTS.object(publication.owner.key)))
    add_entry(api, publication, WWW)
    merged = merge_entries(before.endpoints, before.owned, [Endpoint.of(MX, TxtQuoting.QUOTED)])
    body = manifest(publication, merged)
    body["metadata"] |= {"uid": before.uid, "resourceVersion": before.resource_version}
    with pytest.raises(Stale):
        await client.apply(DNS_ENDPOINTS.object(publication.owner.key), body)
    await publisher.publish(publication, (MX,))
    assert stored(api, publication)["spec"]["endpoints"][1:] == [WWW]


async def test_another_installation_s_object_is_not_ours(
    publisher: DnsEndpointPublisher, publication: Publication
) -> None:
    await publisher.publish(publication, RECORDS)
    other = Publication(Owner("other", publication.owner.key), DOMAIN)
    answer = await publisher.publish(other, RECORDS)
    assert answer.problem is not None


async def test_withdrawal_takes_the_object_away(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    await publisher.withdraw(publication)
    assert not exists(api, publication)
    await publisher.withdraw(publication)


async def test_withdrawal_finishes_what_somebody_s_deletion_began(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    api.delete(path(publication))
    assert exists(api, publication)
    await publisher.withdraw(publication)
    assert not exists(api, publication)


async def test_what_is_handed_over_stays_and_is_the_heir_s_to_change(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    before = stored(api, publication)
    new_owner = publication.owner.new_owner("new")

    (sentence,) = await publisher.hand_over(publication, new_owner)

    assert "delete it once the ExternalDNS there publishes them" in sentence
    left = stored(api, publication)
    assert left["spec"] == before["spec"]
    assert "finalizers" not in left["metadata"], "in another cluster nobody would take it off"
    assert await publisher.withdraw(publication) == ()
    assert await publisher.hand_over(publication, new_owner) == ()
    theirs = replace(publication, owner=new_owner)
    assert (await publisher.publish(theirs, RECORDS)).in_sync
    assert stored(api, publication)["metadata"]["finalizers"] == [FINALIZER]


async def test_what_is_inherited_is_the_heir_s_to_change(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    new_owner = Owner("new", publication.owner.key, inherits=("test",))
    assert (await publisher.publish(replace(publication, owner=new_owner), RECORDS)).in_sync
    assert stored(api, publication)["metadata"]["annotations"][OWNER_TAG] == str(new_owner)


async def test_release_leaves_the_object_and_its_records_without_a_mark_of_ours(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    await publisher.release(publication)
    left = stored(api, publication)
    assert len(left["spec"]["endpoints"]) == 3
    assert left["metadata"]["labels"] == {"dns": "public"}
    assert left["metadata"]["annotations"] == {"note": "by hand"}
    assert "finalizers" not in left["metadata"]
    await publisher.release(publication)


async def test_what_stays_after_a_move_keeps_the_labels_by_which_its_external_dns_finds_it(
    publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, (*DKIM, MX))
    elsewhere = Publication(publication.owner, DOMAIN)
    assert await publisher.holdings(elsewhere) == {record.id for record in (*DKIM, MX)}

    await publisher.retain(elsewhere, (*DKIM, SPF))
    version = stored(api, publication)["metadata"]["resourceVersion"]
    await publisher.retain(elsewhere, (*DKIM, SPF))

    left = stored(api, publication)
    assert left["metadata"]["resourceVersion"] == version, "nothing differed any more"
    assert await publisher.holdings(elsewhere) == {record.id for record in DKIM}
    assert left["metadata"]["labels"]["dns"] == "public"
    assert left["metadata"]["annotations"]["note"] == "by hand"
    await publisher.withdraw(elsewhere)
    assert await publisher.holdings(elsewhere) == frozenset()


async def test_an_object_that_somebody_deletes_is_made_anew_when_it_is_clear_that_the_identity_stays(
    client: KubeClient, publisher: DnsEndpointPublisher, publication: Publication, api: ApiClient
) -> None:
    await publisher.publish(publication, RECORDS)
    uid, now = stored(api, publication)["metadata"]["uid"], datetime.now(UTC)
    api.delete(path(publication))
    with pytest.raises(Retry, match="being deleted") as wait:
        await DnsEndpointPublisher(client, now=lambda: now).publish(publication, RECORDS)
    assert wait.value.problem.retry_after is not None
    assert stored(api, publication)["metadata"]["uid"] == uid
    later = DnsEndpointPublisher(client, now=lambda: datetime.now(UTC) + timedelta(minutes=1))
    assert (await later.publish(publication, RECORDS)).in_sync
    assert stored(api, publication)["metadata"]["uid"] != uid


@pytest.mark.usefixtures("installed")
async def test_an_object_that_appears_just_before_ours_is_made_is_not_taken_over(
    client: KubeClient, publication: Publication, api: ApiClient
) -> None:
    api.apply(path(publication), foreign(publication.owner.key.namespace))
    before = stored(api, publication)
    body = manifest(publication, merge_entries((), OwnedEntries(), [Endpoint.of(SPF, TxtQuoting.QUOTED)]))
    with pytest.raises(Stale):
        await client.apply_new(DNS_ENDPOINTS.object(publication.owner.key), body)
    assert stored(api, publication) == before


async def test_without_externaldns_s_kind_publication_says_so_and_withdrawal_has_nothing_to_do() -> None:
    publication = Publication(Owner("test", ObjectKey("default", "mail")), DOMAIN)
    with ControlPlane(binaries.control_plane(binaries.ENVTEST_PARTS)) as bare:
        async with KubeClient(await load_configuration(str(bare.kubeconfig))) as client:
            publisher = DnsEndpointPublisher(client)
            observation = await publisher.observe(publication, RECORDS)
            assert observation.problem is not None
            assert observation.problem.reason is Reason.DNS_ENDPOINT_CRD_MISSING
            with pytest.raises(Blocked, match="Install the CRD of ExternalDNS"):
                await publisher.publish(publication, RECORDS)
            assert await publisher.withdraw(publication) == ()
            await publisher.release(publication)
