"""Whom to believe about a record: Route 53, name servers that show another view, and SES."""

from __future__ import annotations

from dataclasses import replace

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.lookup.record_evidence import with_findings
from ses_operator.core.model.records import RecordSet, mail_from_records
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.plan import wanted_records
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, Outcome
from ses_operator.core.state.observed import Observed, Present
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from unit.strategies import DOMAIN, OWNER, wanted
from unit.world import fresh_dkim

REGION = "eu-west-1"
MX, _ = mail_from_records(f"new.{DOMAIN}", REGION, 300)


def seen(status: VerificationStatus, reason: Reason, *, provider: DnsProvider = DnsProvider.ROUTE53) -> PublishedRecord:
    """What is believed of the MX of a new MAIL FROM name that Route 53 has in sync, and that name servers do not show."""
    desired = wanted(regions=(REGION,), provider=provider)
    dkim_facts = replace(fresh_dkim(REGION, 2048), status=status)
    facts = IdentityFacts(status, dkim_facts, tags={OWNER_TAG: str(OWNER)})
    observed = Observed(regions={REGION: Present(facts)})
    dkim: tuple[RecordSet, ...] = wanted_records(desired, observed)
    entries = tuple(PublishedRecord(record, RecordState.PUBLISHED) for record in (*dkim, MX))
    finding = LookupFinding(MX, FindingState.MISSING, reason, "is elsewhere", Answer(Outcome.NO_NAME))
    heard = with_findings(
        desired, Observed(regions=observed.regions, dns=DnsObservation(entries, in_sync=True)), {MX.id: finding}
    )
    assert heard.dns is not None
    return next(entry for entry in heard.dns.records if entry.record.id == MX.id)


def test_what_ses_has_found_in_the_zone_proves_that_route_53_is_right_and_the_view_from_inside_is_not() -> None:
    entry = seen(VerificationStatus.SUCCESS, Reason.DNS_NOT_DELEGATED)
    assert (entry.state, entry.message) == (RecordState.PUBLISHED, "")


def test_a_delegation_of_which_ses_has_found_nothing_is_believed() -> None:
    entry = seen(VerificationStatus.PENDING, Reason.DNS_NOT_DELEGATED)
    assert (entry.state, entry.reason) == (RecordState.MISSING, Reason.DNS_NOT_DELEGATED)


def test_the_zone_s_own_servers_are_believed_rather_than_route_53() -> None:
    """They are not in sync yet after all, or the record was deleted since the zone was read."""
    assert seen(VerificationStatus.SUCCESS, Reason.DNS_RECORD_MISSING).state is RecordState.MISSING


def test_of_what_others_publish_name_servers_tell() -> None:
    entry = seen(VerificationStatus.SUCCESS, Reason.DNS_NOT_DELEGATED, provider=DnsProvider.DNS_ENDPOINT)
    assert entry.state is RecordState.MISSING
