"""Status: what it promises to those who read it, whatever stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.conditions import ConditionStatus, ConditionType, find
from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import OWNER_TAG, RECONCILE_REQUESTED_AT, SETTINGS_MARK
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import RegionStatus, SesIdentityStatus
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, MailFromFacts, VerificationInfo, VerificationStatus
from ses_operator.core.planning.contention import LastApplied, after_publication
from ses_operator.core.planning.plan import plan_identity, wanted_records
from ses_operator.core.state.desired import Desired, MailFrom, MailFromBehavior
from ses_operator.core.state.observed import Absent, Observed, Present, RegionView, Unread
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.status.report import ReportInput
from ses_operator.core.status.status import identity_status, refused_status, remembered
from ses_operator.core.status.transitions import EventType, Transition, new_losses, transitions
from ses_operator.core.status.verdicts import MAX_MESSAGE
from unit.strategies import DOMAIN, OWNER, desires, wanted
from unit.world import NOW, World, converge, covering, fresh_dkim, held_back

REGION = "eu-west-1"
PENDING, SUCCESS = VerificationStatus.PENDING, VerificationStatus.SUCCESS


def facts(status: VerificationStatus = SUCCESS, **changes: object) -> IdentityFacts:
    dkim = replace(fresh_dkim(REGION, 2048), status=status)
    return replace(IdentityFacts(status, dkim, tags={OWNER_TAG: str(OWNER)}), **changes)  # type: ignore[arg-type]


def identity(desired: Desired, **metadata: object) -> SesIdentity:
    return SesIdentity.model_validate(
        {
            "metadata": {"name": "mail", "namespace": "team-a", "generation": 3, **metadata},
            "spec": {"domain": DOMAIN, "regions": list(desired.regions)},
            "status": {"observedGeneration": -1},
        }
    )


def case(desired: Desired, observed: Observed, *, suspended: bool = False) -> ReportInput:
    plan = plan_identity(desired, observed, covering(desired), NOW)
    return ReportInput.of(
        desired,
        observed,
        plan,
        account="default",
        account_id="123456789012",
        partition="aws",
        suspended=held_back(desired, observed) if suspended else None,
    )


def status_of(desired: Desired, observed: Observed, *, suspended: bool = False) -> SesIdentityStatus:
    return identity_status(identity(desired), case(desired, observed, suspended=suspended), None, NOW)


def with_records(desired: Desired, observed: Observed, state: RecordState, message: str = "") -> Observed:
    records = tuple(PublishedRecord(record, state, message) for record in wanted_records(desired, observed))
    return replace(observed, dns=DnsObservation(records, in_sync=True))


def reason_of(status: SesIdentityStatus, kind: ConditionType = ConditionType.READY) -> str:
    found = find(status.conditions, kind)
    assert found is not None
    return found.reason


views = st.one_of(
    st.just(Absent()),
    st.sampled_from(Reason).map(lambda reason: Unread(Problem(reason, reason.meaning, region=REGION))),
    st.builds(
        lambda status, dkim, tag: Present(
            facts(status, dkim=replace(fresh_dkim(REGION, 2048), status=dkim), tags={OWNER_TAG: tag} if tag else {})
        ),
        st.sampled_from(VerificationStatus),
        st.sampled_from(VerificationStatus),
        st.sampled_from([str(OWNER), "other/ns/name", None]),
    ),
)


@given(desires(), st.data(), st.booleans())
def test_whatever_stands_ready_is_said_and_at_most_one_of_reconciling_and_stalled(
    desired: Desired, data: st.DataObject, suspended: bool
) -> None:
    regions: dict[str, RegionView] = {region: data.draw(views) for region in desired.regions}
    status = status_of(desired, Observed(regions=regions), suspended=suspended)
    ready = find(status.conditions, ConditionType.READY)
    abnormal = [
        kind for kind in (ConditionType.RECONCILING, ConditionType.STALLED) if find(status.conditions, kind) is not None
    ]
    assert ready is not None
    assert ready.message
    assert len(abnormal) == (0 if ready.is_true else 1)
    assert all(condition.observed_generation == 3 for condition in status.conditions)
    assert all(len(condition.message) <= MAX_MESSAGE for condition in status.conditions)


@given(desires())
def test_what_is_converged_and_verified_everywhere_is_ready(desired: Desired) -> None:
    world = converge(World(), desired, covering(desired))
    verified = {
        region: replace(
            found,
            verification_status=SUCCESS,
            sending_enabled=True,
            dkim=replace(found.dkim, status=SUCCESS),
            mail_from=replace(found.mail_from, status=SUCCESS) if found.mail_from else None,
        )
        for region, found in world.identities.items()
    }
    observed = replace(world, identities=verified).observed(desired, covering(desired))
    status = status_of(desired, observed)
    assert reason_of(status) == Reason.SUCCEEDED
    assert status.verified_regions == f"{len(desired.regions)}/{len(desired.regions)}"


def test_a_status_is_the_same_from_run_to_run_while_nothing_changes() -> None:
    desired = wanted()
    observed = with_records(desired, Observed(regions={REGION: Present(facts(PENDING))}), RecordState.PENDING)
    first = status_of(desired, observed)
    again = identity(desired).model_copy(update={"status": first})
    observed = replace(observed, remembered=remembered(again))
    second = identity_status(again, case(desired, observed), None, NOW + timedelta(hours=1))
    assert second.to_json() == first.to_json()


def test_a_condition_keeps_its_transition_time_until_its_status_changes() -> None:
    desired = wanted()
    pending = status_of(desired, Observed(regions={REGION: Present(facts(PENDING))}))
    later = datetime(2026, 1, 2, tzinfo=UTC)
    before = identity(desired).model_copy(update={"status": pending})
    observed = with_records(desired, Observed(regions={REGION: Present(facts())}), RecordState.PUBLISHED)
    after = identity_status(before, case(desired, observed), None, later)
    times = {condition.type: condition.last_transition_time for condition in after.conditions}
    assert times[ConditionType.ACCEPTED] == NOW
    assert times[ConditionType.READY] == later


CASES = [
    ("an identity that is not there", wanted(), {REGION: Absent()}, None, Reason.CREATING_IDENTITY),
    (
        "a region that does not answer",
        wanted(),
        {REGION: Unread(Problem(Reason.REGION_UNREACHABLE, "SES does not answer", region=REGION))},
        None,
        Reason.REGION_UNREACHABLE,
    ),
    (
        "an identity of somebody else",
        wanted(),
        {REGION: Present(facts(tags={OWNER_TAG: "a/b/c"}))},
        None,
        Reason.OWNED_BY_ANOTHER,
    ),
    (
        "records that are published and not seen",
        wanted(),
        {REGION: Present(facts(PENDING))},
        (RecordState.PUBLISHED, ""),
        Reason.WAITING_FOR_VERIFICATION,
    ),
    (
        "somebody else's record in the way",
        wanted(),
        {REGION: Present(facts(PENDING))},
        (RecordState.CONFLICT, "CNAME x: taken"),
        Reason.DNS_RECORD_CONFLICT,
    ),
    (
        "a record that name servers do not have",
        wanted(),
        {REGION: Present(facts(PENDING))},
        (RecordState.MISSING, "CNAME x: no such name"),
        Reason.WAITING_FOR_DNS,
    ),
    (
        "records that people have to publish",
        wanted(provider=DnsProvider.MANUAL),
        {REGION: Present(facts(PENDING))},
        (RecordState.PENDING, ""),
        Reason.MANUAL_RECORDS_PENDING,
    ),
    (
        "a verification that SES gave up",
        wanted(),
        {REGION: Present(facts(VerificationStatus.FAILED))},
        (RecordState.PENDING, ""),
        Reason.VERIFICATION_FAILED,
    ),
    (
        "a verification that SES gave up because a record is missing",
        wanted(provider=DnsProvider.MANUAL),
        {REGION: Present(facts(VerificationStatus.FAILED))},
        (RecordState.MISSING, "CNAME x: no such name"),
        Reason.VERIFICATION_FAILED,
    ),
    (
        "records that vanished",
        wanted(),
        {REGION: Present(facts(VerificationStatus.TEMPORARY_FAILURE))},
        (RecordState.PUBLISHED, ""),
        Reason.VERIFICATION_REVOKED,
    ),
    (
        "a MAIL FROM domain that is not seen",
        wanted(mail_from={REGION: MailFrom(f"b.{DOMAIN}", MailFromBehavior.USE_DEFAULT_VALUE, REGION)}),
        {
            REGION: Present(
                facts(
                    mail_from=MailFromFacts(f"b.{DOMAIN}", PENDING, "USE_DEFAULT_VALUE"),
                    tags={OWNER_TAG: str(OWNER), SETTINGS_MARK: "mailFrom"},
                )
            )
        },
        (RecordState.PUBLISHED, ""),
        Reason.WAITING_FOR_MAIL_FROM,
    ),
]


@pytest.mark.parametrize(
    ("desired", "regions", "records", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_ready_names_what_is_waited_for(
    desired: Desired,
    regions: dict[str, RegionView],
    records: tuple[RecordState, str] | None,
    reason: Reason,
) -> None:
    observed = Observed(regions=regions)
    if records is not None:
        observed = with_records(desired, observed, *records)
    status = status_of(desired, observed)
    assert reason_of(status) == reason
    assert status.regions[0].reason == reason
    ready = find(status.conditions, ConditionType.READY)
    assert ready is not None
    assert REGION in ready.message
    kind = ConditionType.STALLED if reason.stalls else ConditionType.RECONCILING
    assert reason_of(status, kind) == reason


def test_the_error_of_ses_and_the_name_server_that_it_saw_are_told() -> None:
    desired = wanted()
    info = VerificationInfo(error_type="HOST_NOT_FOUND", primary_name_server="ns1.parked.example")
    observed = Observed(regions={REGION: Present(facts(PENDING, verification_info=info))})
    message = status_of(desired, with_records(desired, observed, RecordState.PUBLISHED)).regions[0].message
    assert message is not None
    assert "names do not exist" in message
    assert "ns1.parked.example" in message


def test_status_stays_small_whatever_somebody_writes_into_his_zone() -> None:
    desired = wanted()
    observed = Observed(regions={REGION: Present(facts(PENDING))})
    records = with_records(desired, observed, RecordState.DIFFERENT, f'TXT x: is "{"y" * 60_000}"')
    assert records.dns is not None
    repairs = after_publication(
        (), records.dns.marked(), LastApplied(records=frozenset(map(str, wanted_records(desired, observed)))), NOW
    )
    status = identity_status(identity(desired), replace(case(desired, records), repairs=repairs), None, NOW)
    assert repairs
    assert len(str(status.to_json())) < 20_000


def test_dns_does_not_gate_ready_once_ses_has_verified() -> None:
    desired = wanted()
    observed = with_records(
        desired, Observed(regions={REGION: Present(facts())}), RecordState.DIFFERENT, "CNAME x: other value"
    )
    status = status_of(desired, observed)
    assert reason_of(status) == Reason.SUCCEEDED
    assert find(status.conditions, ConditionType.DNS_PUBLISHED).status is ConditionStatus.FALSE  # type: ignore[union-attr]


def test_a_suspended_identity_lists_what_would_be_done() -> None:
    status = status_of(wanted(), Observed(regions={REGION: Absent()}), suspended=True)
    ready = find(status.conditions, ConditionType.READY)
    assert ready is not None
    assert ready.reason == Reason.SUSPENDED
    assert ready.message == "Suspended. 1 change is pending; see status.pendingChanges"


def test_a_refusal_keeps_what_was_known_of_regions_and_echoes_the_request() -> None:
    desired = wanted()
    known = status_of(desired, Observed(regions={REGION: Present(facts())}))
    refused = refused_status(
        identity(desired, annotations={RECONCILE_REQUESTED_AT: "now"}).model_copy(update={"status": known}),
        Problem(Reason.ALREADY_CLAIMED, "taken"),
        NOW,
    )
    assert refused.regions == known.regions
    assert refused.last_handled_reconcile_at == "now"
    assert reason_of(refused, ConditionType.ACCEPTED) == Reason.ALREADY_CLAIMED


def lost_in(**reasons: Reason) -> tuple[RegionStatus, ...]:
    """Regions, and why each is where it is."""
    return tuple(
        RegionStatus(region=region, reason=reason, message=f"{region}: {reason}") for region, reason in reasons.items()
    )


FAILED, REVOKED, MISSING = Reason.VERIFICATION_FAILED, Reason.VERIFICATION_REVOKED, Reason.DNS_RECORD_MISSING


@pytest.mark.parametrize(
    ("before", "after", "ready", "told"),
    [
        (lost_in(a=MISSING, b=MISSING), lost_in(a=MISSING, b=FAILED), None, [(FAILED, "b")]),
        (lost_in(a=FAILED, b=MISSING), lost_in(a=FAILED, b=FAILED), None, [(FAILED, "b")]),
        (lost_in(a=MISSING, b=MISSING), lost_in(a=FAILED, b=FAILED), FAILED, []),
        (lost_in(a=FAILED), lost_in(a=FAILED), None, []),
        (lost_in(a=MISSING), lost_in(a=FAILED, b=REVOKED), FAILED, [(REVOKED, "b")]),
        (lost_in(a=FAILED), lost_in(a=MISSING), MISSING, []),
    ],
    ids=[
        "another region comes first in Ready",
        "another region failed before",
        "Ready says so of all",
        "nothing new",
        "another loss than the one that Ready names",
        "asked again",
    ],
)
def test_each_region_that_fails_or_is_revoked_has_one_event(
    before: tuple[RegionStatus, ...],
    after: tuple[RegionStatus, ...],
    ready: Reason | None,
    told: list[tuple[Reason, str]],
) -> None:
    of_ready = (Transition(EventType.WARNING, ready, ""),) if ready else ()
    found = new_losses(before, after, of_ready)
    assert [(each.reason, each.message.partition(":")[0]) for each in found] == told


def test_events_tell_of_ready_and_of_calls_for_help_and_of_nothing_else() -> None:
    desired = wanted()
    fresh = SesIdentityStatus()
    creating = status_of(desired, Observed(regions={REGION: Absent()}))
    taken = status_of(desired, Observed(regions={REGION: Present(facts(tags={OWNER_TAG: "a/b/c"}))}))
    ready = status_of(
        desired, with_records(desired, Observed(regions={REGION: Present(facts())}), RecordState.PUBLISHED)
    )
    assert transitions(fresh.conditions, creating.conditions) == ()
    assert [event.type for event in transitions(creating.conditions, taken.conditions)] == [EventType.WARNING]
    assert transitions(taken.conditions, taken.conditions) == ()
    assert [event.type for event in transitions(taken.conditions, ready.conditions)] == [EventType.NORMAL]
    assert transitions(ready.conditions, ready.conditions) == ()
