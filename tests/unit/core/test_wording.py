"""Nothing depends on words: with every sentence replaced, the plans, pauses, timers and requeues are the same.

So a release may reword any message, whatever earlier ones wrote to status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from figures.prose import prose_findings
from figures.tree import working_tree
from ses_operator.api.account.notifications import Moment
from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import HandoverStatus
from ses_operator.core.dns.migration import FormerPlace, Move, Pending, Place, decide
from ses_operator.core.features.dkim import dkim_differs
from ses_operator.core.model.dkim_source import MissingKey
from ses_operator.core.model.policies.policy_documents import WantedPolicy
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import dkim_records
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.notifications.selection import notified_after, outlook
from ses_operator.core.planning.contention import (
    LastApplied,
    after_publication,
    after_steps,
    known_repairs,
    paused_publication,
)
from ses_operator.core.planning.dry_run import dry_run
from ses_operator.core.planning.handover import is_handed_over
from ses_operator.core.planning.plan import plan_identity, surplus_policy, wanted_records
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, Outcome, PublishedAt
from ses_operator.core.state.attempt import Attempt, Repair
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Absent, Observed, Present, RegionView, Unread
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import Surplus
from ses_operator.core.status.report import ReportInput
from ses_operator.core.status.requeue import needs_backoff, requeue_after
from ses_operator.core.status.stability import has_its_key, is_stable, lasting_places
from ses_operator.core.status.status import former_places, identity_status, remembered
from ses_operator.core.status.transient_errors import is_transient_only, verification_regressed
from ses_operator.core.status.transitions import new_contests, new_losses, transitions
from ses_operator.core.status.waits import known_waits
from unit.rewording import Words, reworded, unworded, words
from unit.strategies import DOMAIN, OWNER, desires
from unit.world import NOW, covering, fresh_dkim

EARLIER = NOW - timedelta(minutes=10)
TIMES = st.none() | st.sampled_from([None, 7.0, 600.0])


def problems() -> st.SearchStrategy[Problem]:
    return st.builds(Problem, st.sampled_from(Reason), st.text(min_size=1), TIMES)


@st.composite
def requests(draw: st.DrawFn) -> Desired:
    """Draw a spec, now and then with a key that is missing, and with a policy that is wrong."""
    desired = draw(desires())
    if draw(st.booleans()):
        desired = replace(desired, dkim=MissingKey("s1", draw(problems())))
    if draw(st.booleans()):
        wrong = WantedPolicy("partner", fault=draw(st.text(min_size=1)))
        desired = replace(desired, policies=dict.fromkeys(desired.regions, (wrong,)))
    return desired


def views(region: str) -> st.SearchStrategy[RegionView]:
    statuses, tags = st.sampled_from(VerificationStatus), st.sampled_from([str(OWNER), "other/ns/name", None])

    def present(status: VerificationStatus, dkim: VerificationStatus, tag: str | None, *, signing: bool) -> Present:
        found = replace(fresh_dkim(region, 2048), status=dkim, signing_enabled=signing)
        return Present(IdentityFacts(status, found, tags={OWNER_TAG: tag} if tag else {}))

    return st.one_of(
        st.just(Absent()),
        st.builds(Unread, problems()),
        st.builds(present, statuses, statuses, tags, signing=st.booleans()),
    )


KEYS = ("create", "configuration-set", "signing", "topics", "policy:partner")

Seen = tuple[Observed, Attempt]


@st.composite
def worlds(draw: st.DrawFn, desired: Desired) -> Seen:
    """Draw what may be seen of a spec: regions, refused writes, records in any state, and settings that others change back."""
    refused = st.dictionaries(st.sampled_from(KEYS), problems(), min_size=1)
    failures = draw(st.dictionaries(st.sampled_from(desired.regions), refused, max_size=1))
    ended = frozenset(failures) if draw(st.booleans()) else frozenset[str]()
    observed = Observed(
        {region: draw(views(region)) for region in desired.regions}, dns_failure=draw(st.none() | problems())
    )
    states, found = st.sampled_from(RecordState), st.none() | st.sampled_from(Reason)
    records = tuple(
        PublishedRecord(record, draw(states), draw(st.text()), draw(found))
        for record in wanted_records(desired, observed)
    )
    dns = DnsObservation(records, ("CNAME old",), problem=draw(st.none() | problems())).marked()
    observed = replace(observed, dns=draw(st.none() | st.just(dns)))
    everything = LastApplied(frozenset(desired.regions), frozenset(str(entry.record) for entry in records))
    steps = plan_identity(desired, observed, covering(desired), EARLIER).ses_steps
    repairs: tuple[Repair, ...] = ()
    for _ in range(draw(st.integers(0, 4))):
        repairs = after_steps(repairs, observed, steps, everything, EARLIER)
        repairs = after_publication(repairs, dns, everything, EARLIER)
    return observed, Attempt(failures, ended, repairs=repairs)


def reported(desired: Desired, seen: Seen) -> ReportInput:
    observed, attempt = seen
    plan = plan_identity(desired, observed, covering(desired), NOW, attempt)
    repairs = attempt.repairs
    return ReportInput.of(
        desired,
        observed,
        plan,
        account="default",
        account_id="123456789012",
        partition="aws",
        suspended=None,
        repairs=repairs,
    )


def object_of(desired: Desired, seen: Seen, former: tuple[FormerPlace, ...] = ()) -> SesIdentity:
    """Return the object with the status that says all this."""
    identity = SesIdentity.model_validate(
        {
            "metadata": {"name": "mail", "namespace": "team-a", "generation": 3},
            "spec": {"domain": DOMAIN, "regions": list(desired.regions)},
        }
    )
    case = replace(reported(desired, seen), former=former)
    status = identity_status(identity, case, None, EARLIER)
    return identity.model_copy(update={"status": status})


@settings(max_examples=50)
@given(st.data(), requests(), words())
def test_plans_pauses_timers_and_requeues_are_the_same_whatever_is_said(
    data: st.DataObject, desired: Desired, said: Words
) -> None:
    seen, inventory = data.draw(worlds(desired)), covering(desired)
    other_seen, in_other_words = reworded(seen, said), reworded(desired, said)
    (observed, attempt), (other, other_attempt) = seen, other_seen

    assert in_other_words.digest() == desired.digest()
    assert surplus_policy(in_other_words, other) is surplus_policy(desired, observed)
    assert [dkim_differs(in_other_words, region, other) for region in desired.regions] == [
        dkim_differs(desired, region, observed) for region in desired.regions
    ]
    plans = [
        plan_identity(desired, observed, inventory, NOW, attempt),
        plan_identity(in_other_words, other, inventory, NOW, other_attempt),
    ]
    assert unworded(plans[1]) == unworded(plans[0])
    runs = [dry_run(*each, inventory, NOW) for each in ((desired, observed), (in_other_words, other))]
    assert unworded(runs[1]) == unworded(runs[0])
    if observed.dns is not None and other.dns is not None:
        pauses = [paused_publication(each.dns, run.repairs, NOW) for each, run in (seen, other_seen) if each.dns]
        assert unworded(pauses[1]) == unworded(pauses[0])

    before, after = reported(desired, seen), reported(in_other_words, other_seen)
    assert unworded(after.problems) == unworded(before.problems)
    assert requeue_after(after, NOW) == requeue_after(before, NOW)
    assert needs_backoff(after) == needs_backoff(before)
    assert is_transient_only(after) == is_transient_only(before)


@settings(max_examples=50)
@given(st.data(), requests(), words(), st.sampled_from(Pending))
def test_what_is_remembered_by_status_is_the_same_whatever_it_says(
    data: st.DataObject, desired: Desired, said: Words, pending: Pending
) -> None:
    seen = data.draw(worlds(desired))
    identity = object_of(desired, seen, (FormerPlace("Route53/Z1", pending, "it is kept", EARLIER),))
    handover = HandoverStatus(to="new", completed=data.draw(st.booleans()))
    identity = identity.model_copy(update={"status": identity.status.model_copy(update={"handover": handover})})
    other = identity.model_copy(update={"status": reworded(identity.status, said)})
    old, new = identity.status, other.status

    assert unworded(known_repairs(new, desired.digest(), NOW)) == unworded(known_repairs(old, desired.digest(), NOW))
    assert LastApplied.of(new, desired.digest()) == LastApplied.of(old, desired.digest())
    assert remembered(other) == remembered(identity)
    assert unworded(former_places(other)) == unworded(former_places(identity))
    assert is_handed_over(other, "new") == is_handed_over(identity, "new") == handover.completed
    assert list(outlook(other)) == list(outlook(identity))
    assert notified_after(new, new, list(Moment)).notified == notified_after(old, old, list(Moment)).notified
    later = NOW + timedelta(days=2)
    assert (is_stable(new, later), has_its_key(new, desired)) == (is_stable(old, later), has_its_key(old, desired))
    assert lasting_places(new, later) == lasting_places(old, later)
    assert [known_waits(new, region) for region in (*desired.regions, None)] == [
        known_waits(old, region) for region in (*desired.regions, None)
    ]
    assert verification_regressed(seen[0].regions, new) == verification_regressed(seen[0].regions, old)
    assert transitions(new.conditions, old.conditions) == (), "that the words are others is no Event"
    assert new_losses(new.regions, old.regions, ()) == ()
    assert new_contests(new.repairs or (), old.repairs or ()) == ()


RECORDS = dkim_records("mail.example.com", "eu-west-1", ("a", "b", "c"), "dkim.amazonses.com", 300)
ZONES = (PublishedAt("example.com", ("ns1.example.net",)), PublishedAt("mail.example.com", ("ns7.example.net",)))


@st.composite
def moves(draw: st.DrawFn) -> Move:
    """Draw an old place of which something has been said for some time."""
    found = {
        record.id: LookupFinding(
            record,
            draw(st.sampled_from(FindingState)),
            Reason.DNS_RECORD_MISSING,
            draw(st.text()),
            Answer(Outcome.FOUND, record.values, zone=draw(st.sampled_from(["example.com", "mail.example.com"]))),
        )
        for record in RECORDS
    }
    held = frozenset(record.id for record in draw(st.lists(st.sampled_from(RECORDS))))
    since = NOW - timedelta(hours=draw(st.integers(0, 72)))
    old = Place(draw(st.sampled_from(["Route53/Z1", "DNSEndpoint"])), draw(st.none() | st.sampled_from(ZONES)), held)
    return Move(
        old=old,
        new=Place("Route53/Z2", draw(st.sampled_from(ZONES)), draw(st.sampled_from([frozenset(), held]))),
        provider=draw(st.sampled_from(DnsProvider)),
        wanted=RECORDS,
        surplus=draw(st.sampled_from(Surplus)),
        published=draw(st.booleans()),
        now=NOW,
        findings=draw(st.none() | st.just(found)),
        said=FormerPlace(old.name, draw(st.sampled_from(Pending)), draw(st.text(min_size=1)), since),
    )


@given(moves(), words())
def test_an_old_place_is_waited_for_as_long_whatever_was_said_of_it(move: Move, said: Words) -> None:
    other = reworded(move, said)
    assert unworded(decide(other)) == unworded(decide(move))
    before: Mapping[str, FormerPlace] = {move.old.name: move.said} if move.said else {}
    decision = decide(move)
    now = FormerPlace(move.old.name, decision.pending or "", decision.message, NOW)
    assert now.follows(reworded(before, said)).since == now.follows(before).since


def test_no_module_compares_or_cuts_up_a_sentence() -> None:
    assert list(prose_findings(working_tree())) == []
