"""Every moment of an identity's life as those see it who wait for it: `kubectl wait`, and kstatus in Flux and Argo CD.

Sources: kubectl's cmd/wait (a condition about an older generation than the object's is not believed); cli-utils' pkg/kstatus
(an observedGeneration that is not the generation, Reconciling, or a false Ready are "in progress", Stalled is "failed").
"""

from __future__ import annotations

import json
from enum import StrEnum

import pytest

from cluster.tenant import PATIENCE, Tenant
from devcluster.apiclient import IDENTITIES
from devcluster.kubectl import Kubectl, KubectlError
from devcluster.operator_process import OperatorProcess
from devcluster.waiting import eventually
from ses_operator.api.base.conditions import ConditionStatus, ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity

pytestmark = pytest.mark.usefixtures("operator")

IRELAND, VIRGINIA, SYDNEY, OREGON = "eu-west-1", "us-east-1", "ap-southeast-2", "us-west-2"
REGIONS = (IRELAND, VIRGINIA, SYDNEY, OREGON)
MAIL_FROM = {"subdomain": "bounce"}
MAX_WRITES = 4 + 2 * len(REGIONS)
"""The metadata with what it is about to make and the digests of its records, one Event, and status twice for each region."""


class Kstatus(StrEnum):
    """What kstatus makes of an object."""

    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    CURRENT = "Current"
    TERMINATING = "Terminating"


def test_from_apply_to_ready_no_moment_promises_too_much(tenant: Tenant, kubectl: Kubectl) -> None:
    mark = tenant.environment.plane.audit.mark()
    tenant.create(*REGIONS, mailFrom=MAIL_FROM)

    kubectl("wait", "--for=condition=Ready", "sesidentity/mail", "-n", tenant.namespace, "--timeout=90s")

    moments = _moments(tenant)
    _assert_sound(moments)
    assert moments[0].status.observed_generation == -1, "before anybody has looked"
    assert _seen(moments) == [Kstatus.IN_PROGRESS, Kstatus.CURRENT]
    assert _verified_when_ready(moments) == {"4/4"}
    assert 0 < _writes(tenant, mark) <= MAX_WRITES


def test_after_a_change_of_the_spec_it_is_not_ready_until_the_change_is_made(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, mailFrom=MAIL_FROM)
    since = tenant.ready().metadata.resource_version
    mark = tenant.environment.plane.audit.mark()

    tenant.change(regions=[IRELAND, VIRGINIA])
    generation = tenant.ready().metadata.generation

    moments = [moment for moment in _moments(tenant, since) if moment.metadata.generation == generation]
    _assert_sound(moments)
    assert _seen(moments) == [Kstatus.IN_PROGRESS, Kstatus.CURRENT]
    changed = [moment for moment in moments if moment.status.observed_generation == moment.metadata.generation]
    assert _verified_when_ready(changed) == {"2/2"}
    assert 0 < _writes(tenant, mark) <= MAX_WRITES


def test_kubectl_wait_does_not_believe_what_was_said_of_the_spec_before(
    tenant: Tenant, kubectl: Kubectl, operator: OperatorProcess
) -> None:
    tenant.create_ready(IRELAND)
    wait = ("wait", "--for=condition=Ready", "sesidentity/mail", "-n", tenant.namespace)
    kubectl(*wait, "--timeout=90s")
    operator.terminate()

    tenant.change(tags={"team": "payments"})

    with pytest.raises(KubectlError, match="timed out"):
        kubectl(*wait, "--timeout=1s")
    operator.start()
    operator.await_ready()
    kubectl(*wait, "--timeout=90s")
    assert {"Key": "team", "Value": "payments"} in tenant.at_ses()[IRELAND]["Tags"]


def test_a_mistake_fails_at_once_and_is_forgotten_when_it_is_mended(tenant: Tenant) -> None:
    tenant.create(IRELAND, "eu-nowhere-7")
    tenant.not_ready(Reason.REGION_NOT_SUPPORTED)
    tenant.verified("1/2")

    tenant.change(regions=[IRELAND])
    tenant.ready()

    moments = _moments(tenant)
    _assert_sound(moments)
    seen = _seen(moments)
    assert seen == [Kstatus.IN_PROGRESS, Kstatus.FAILED, Kstatus.IN_PROGRESS, Kstatus.CURRENT]


def test_while_it_goes_it_is_never_ready_again(tenant: Tenant) -> None:
    since = tenant.create_ready(IRELAND, VIRGINIA).metadata.resource_version

    tenant.delete()
    tenant.gone()

    moments = _moments(tenant, since)
    _assert_sound(moments)
    assert _seen(moments) == [Kstatus.TERMINATING]


def _moments(tenant: Tenant, since: str | None = None) -> list[SesIdentity]:
    """The identity after each write to it, as watches saw it: from its creation on, or after a resource version.

    The apiserver remembers: a watch from an old resource version tells everything that was since then.
    """
    path = IDENTITIES.format(namespace=tenant.namespace)
    # Resource versions are those of etcd: that of the namespace comes before that of anything in it.
    start = since or tenant.environment.kubectl.get("namespace", tenant.namespace)["metadata"]["resourceVersion"]
    watch = f"{path}?watch=1&resourceVersion={start}&fieldSelector=metadata.name%3Dmail&timeoutSeconds=1"
    now = tenant.identity()

    def told() -> list[SesIdentity]:
        """All that the watch tells within its second, if that is all that there is to tell."""
        events = [json.loads(line) for line in tenant.environment.kubectl("get", "--raw", watch).splitlines()]
        moments = [SesIdentity.model_validate(event["object"]) for event in events]
        is_whole = any(
            event["type"] == "DELETED"
            if now is None
            else moment.metadata.resource_version == now.metadata.resource_version
            for event, moment in zip(events, moments, strict=True)
        )
        return moments if is_whole else []

    return eventually(told, timeout=PATIENCE, of="the whole history")


def _kstatus(identity: SesIdentity) -> Kstatus:
    status = identity.status
    if identity.metadata.is_deleting:
        return Kstatus.TERMINATING
    if status.observed_generation != identity.metadata.generation or _is(identity, ConditionType.RECONCILING):
        return Kstatus.IN_PROGRESS
    if _is(identity, ConditionType.STALLED):
        return Kstatus.FAILED
    ready = find(status.conditions, ConditionType.READY)
    return Kstatus.CURRENT if ready is None or ready.is_true else Kstatus.IN_PROGRESS


def _seen(moments: list[SesIdentity]) -> list[Kstatus]:
    """What kstatus said, without repetitions."""
    verdicts = [_kstatus(moment) for moment in moments]
    return [verdict for number, verdict in enumerate(verdicts) if number == 0 or verdict != verdicts[number - 1]]


def _verified_when_ready(moments: list[SesIdentity]) -> set[str | None]:
    return {moment.status.verified_regions for moment in moments if _is(moment, ConditionType.READY)}


def _is(identity: SesIdentity, kind: ConditionType) -> bool:
    condition = find(identity.status.conditions, kind)
    return condition is not None and condition.is_true


def _assert_sound(moments: list[SesIdentity]) -> None:
    """What must hold in every status that was ever written."""
    for moment in moments:
        status = moment.status
        if status.observed_generation == -1:
            assert status.conditions == ()
            continue
        kinds = {condition.type for condition in status.conditions}
        assert ConditionType.READY in kinds
        assert not {ConditionType.RECONCILING, ConditionType.STALLED} <= kinds
        ready = _is(moment, ConditionType.READY)
        assert ready is not bool({ConditionType.RECONCILING, ConditionType.STALLED} & kinds)
        assert status.observed_generation <= moment.metadata.generation
        assert {condition.observed_generation for condition in status.conditions} == {status.observed_generation}
        unmet = [c.type for c in status.conditions if c.status is not ConditionStatus.TRUE]
        assert not ready or set(unmet) <= {ConditionType.DNS_PUBLISHED}


def _writes(tenant: Tenant, mark: int) -> int:
    """How often the operator wrote in the tenant's namespace, Events included."""
    return len(
        [
            write
            for write in tenant.environment.plane.audit.writes(since=mark)
            if write.namespace == tenant.namespace and write.user.startswith("system:serviceaccount:ses-operator:")
        ]
    )
