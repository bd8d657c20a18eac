"""DKIM with a key of the customer's: what SES and DNS are told, in what order, and how a key is known that SES never tells."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import AdoptionPolicy, SesIdentity
from ses_operator.api.identity.status import RegionDkimStatus, RegionStatus, SesIdentityStatus
from ses_operator.core.dns.lookup.record_evidence import is_awaited, seen_by_ses, with_findings, worth_a_look
from ses_operator.core.features.keys.key_identity import selectors_in_use, signs_with
from ses_operator.core.features.signing import SIGNING
from ses_operator.core.model.dkim_source import DkimChoice, EasyDkim, MissingKey, OwnKey
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import RecordId, RecordType
from ses_operator.core.model.ses import SigningOrigin, VerificationStatus
from ses_operator.core.planning.plan import plan_identity, surplus_policy, wanted_records
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, Outcome
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Absent, Observed, Present, Remembered, Unread
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import CreateIdentity, PublishRecords, PutSetting, SetDkimSource, Surplus
from ses_operator.core.status.report import ReportInput
from ses_operator.core.status.stability import has_its_key
from ses_operator.core.status.status import identity_status, remembered
from unit.strategies import DKIM, DOMAIN, OWNER, own_key, wanted
from unit.world import (
    NOW,
    World,
    converge,
    covering,
    marked,
    next_plan,
    source_dkim,
    steps_of,
    without_mark_tags,
    without_marks,
)
from unit.world import seen_by_ses as looked_at

REGION, OTHER = "eu-west-1", "us-east-1"
S1, S2 = own_key("s1", "a"), own_key("s2", "b")
SUCCESS, FAILED = VerificationStatus.SUCCESS, VerificationStatus.FAILED
GONE = MissingKey("s1", Problem(Reason.SECRET_NOT_FOUND, "the Secret dkim does not exist"))


def asking(dkim: DkimChoice, *regions: str, **changes: object) -> Desired:
    return wanted(dkim=dkim, regions=regions or (REGION,), **changes)


def verified(dkim: DkimChoice, *regions: str, **changes: object) -> World:
    """A world in which SES has verified what was asked for."""
    desired = asking(dkim, *regions, **changes)
    return looked_at(converge(World(), desired, covering(desired)))


def forgotten(world: World) -> World:
    return replace(world, memory={})


def names(world: World) -> set[str]:
    return {record.name.removesuffix(f"._domainkey.{DOMAIN}") for record in world.records}


def test_the_identity_is_created_with_its_key_and_one_txt_serves_all_regions() -> None:
    desired = asking(S1, REGION, OTHER)
    plan = next_plan(World(), desired, covering(desired))
    assert without_marks(steps_of(plan)) == tuple(
        CreateIdentity(region, DOMAIN, S1, desired.tags, None) for region in (REGION, OTHER)
    )

    (record,) = verified(S1, REGION, OTHER).records
    assert (record.name, record.type) == (f"s1._domainkey.{DOMAIN}", RecordType.TXT)
    assert record.values == (f"v=DKIM1; k=rsa; p={S1.public_key}",)
    assert record.regions == (REGION, OTHER)


@pytest.mark.parametrize(("first", "second"), list(product(DKIM, DKIM)))
def test_on_the_way_from_key_to_key_what_signs_has_its_record_at_every_moment(
    first: DkimChoice, second: DkimChoice
) -> None:
    regions = (REGION, OTHER)
    before, desired = verified(first, *regions), asking(second, *regions)
    inventory, world = covering(asking(first, *regions), desired), before
    for _ in range(20):
        plan = next_plan(world, desired, inventory)
        step = next(iter(steps_of(plan)), None)
        if plan.is_empty and looked_at(world) == world:
            break
        world = world.do(step) if step else world.publish(plan.dns) if plan.dns else world
        for region in regions:
            signs = world.identities[region].dkim.status is SUCCESS
            assert world.has_records_of(region) or not signs, f"{region} signs and its record is gone"
        if step is None:
            world = looked_at(world)
    assert world == verified(second, *regions)


def test_a_new_selector_is_published_beside_the_old_one_then_ses_is_told_and_the_old_one_goes_when_ses_has_found_the_new() -> (
    None
):
    desired = asking(S2)
    world, inventory = marked(verified(S1), desired), covering(asking(S1), desired)

    plan = next_plan(world, desired, inventory)
    assert steps_of(plan) == []
    problem = plan.regions[REGION].problem
    assert problem is not None
    assert (problem.reason, "s2" in problem.message) == (Reason.WAITING_FOR_DNS, True)
    assert isinstance(plan.dns, PublishRecords)
    assert plan.dns.surplus is Surplus.KEEP
    world = world.publish(plan.dns)
    assert names(world) == {"s1", "s2"}

    plan = next_plan(world, desired, inventory)
    assert steps_of(plan) == [SetDkimSource(REGION, DOMAIN, S2)]
    world = world.do(steps_of(plan)[0])
    world = world.do(next(iter(steps_of(next_plan(world, desired, inventory)))))  # the mark of the former key
    assert next_plan(world, desired, inventory).is_empty, "mail that is on its way still needs the old record"
    assert names(world) == {"s1", "s2"}

    plan = next_plan(looked_at(world), desired, inventory)
    assert plan.dns == PublishRecords(wanted_records(desired, world.observed(desired, inventory)), Surplus.REMOVE)


def test_back_to_easy_dkim_ses_is_switched_first_for_only_then_it_tells_its_records() -> None:
    world, desired = verified(S1), asking(EasyDkim(2048))
    inventory = covering(asking(S1), desired)
    plan = next_plan(world, desired, inventory)
    assert steps_of(plan) == [SetDkimSource(REGION, DOMAIN, EasyDkim(2048))]
    world = world.do(steps_of(plan)[0])
    world = world.do(next(iter(steps_of(next_plan(world, desired, inventory)))))  # the mark of the former key
    plan = next_plan(world, desired, inventory)
    assert isinstance(plan.dns, PublishRecords)
    assert ({record.type for record in plan.dns.records}, plan.dns.surplus) == ({RecordType.CNAME}, Surplus.KEEP)


def test_an_identity_that_is_not_signing_yet_gets_its_key_at_once() -> None:
    desired = asking(S1)
    world = converge(World(), asking(EasyDkim(2048)), covering(asking(EasyDkim(2048))))
    assert SetDkimSource(REGION, DOMAIN, S1) in steps_of(next_plan(world, desired, covering(desired)))


def test_a_selector_is_in_use_where_ses_signs_with_it_though_status_was_lost() -> None:
    desired = asking(GONE, REGION, OTHER)
    assert selectors_in_use(forgotten(verified(S1, REGION, OTHER)).observed(desired, Inventory()), Inventory()) == {
        "s1"
    }
    assert selectors_in_use(verified(EasyDkim(2048)).observed(desired, Inventory()), covering(desired)) == frozenset()


def test_a_selector_may_be_in_use_where_a_region_that_was_given_its_key_cannot_be_read() -> None:
    silent = Observed({REGION: Absent(), OTHER: Unread(Problem(Reason.THROTTLED, "later"))})
    assert selectors_in_use(silent, covering(asking(S1, OTHER))) == {"s1"}
    assert selectors_in_use(silent, covering(asking(S1, REGION))) == frozenset(), "nothing was made there"
    assert selectors_in_use(silent, covering(asking(EasyDkim(2048), OTHER))) == frozenset(), "it was given no key"


def test_another_key_under_the_same_selector_is_published_first_too() -> None:
    desired = asking(own_key("s1", "z"))
    world, inventory = verified(S1), covering(desired)
    plan = next_plan(world, desired, inventory)
    assert steps_of(plan) == []
    assert plan.dns is not None
    world = world.publish(plan.dns)
    assert steps_of(next_plan(world, desired, inventory)) == [SetDkimSource(REGION, DOMAIN, desired.dkim)]  # type: ignore[arg-type]


def test_when_status_was_lost_ses_and_dns_tell_that_the_key_is_the_same_and_nothing_is_repeated() -> None:
    desired = asking(S1)
    assert next_plan(forgotten(verified(S1)), desired, covering(desired)).is_empty


def test_when_status_was_lost_before_ses_has_found_the_record_the_key_is_given_once_more() -> None:
    desired = asking(S1)
    world = forgotten(converge(World(), desired, covering(desired)))
    plan = next_plan(world, desired, covering(desired))
    assert steps_of(plan) == [SetDkimSource(REGION, DOMAIN, S1)]
    assert next_plan(world.do(steps_of(plan)[0]), desired, covering(desired)).is_empty


@pytest.mark.parametrize("status", [FAILED, VerificationStatus.TEMPORARY_FAILURE])
def test_a_key_whose_record_is_served_and_which_ses_does_not_find_is_given_to_ses_again(
    status: VerificationStatus,
) -> None:
    desired, world = asking(S1), verified(S1)
    facts = world.identities[REGION]
    lost = replace(facts, verification_status=status, dkim=replace(facts.dkim, status=status))
    world = replace(world, identities={REGION: lost})
    plan = next_plan(world, desired, covering(desired))
    assert steps_of(plan) == [SetDkimSource(REGION, DOMAIN, S1)]
    assert next_plan(world.do(steps_of(plan)[0]), desired, covering(desired)).is_empty, "once an hour at the most"


def test_signing_stays_off_where_it_is_off() -> None:
    world, desired = verified(S1, signing_enabled=False), asking(S2, signing_enabled=False)
    inventory = covering(asking(S1), desired)
    world = looked_at(converge(world, desired, inventory))
    assert not world.identities[REGION].dkim.signing_enabled
    assert PutSetting(REGION, DOMAIN, SIGNING, False) not in steps_of(next_plan(world, desired, inventory))


def test_where_the_secret_is_missing_nothing_is_created_and_what_stands_stays_as_it_is() -> None:
    desired = asking(GONE)
    plan = next_plan(World(), desired, covering(desired))
    assert plan.is_empty
    problem = plan.regions[REGION].problem
    assert problem is not None
    assert (problem.reason, str(problem)) == (
        Reason.SECRET_NOT_FOUND,
        f"{REGION}: the Secret dkim does not exist",
    )

    world = verified(S1)
    plan = next_plan(world, desired, covering(desired))
    assert (plan.is_empty, plan.regions[REGION].problem) == (True, problem)
    assert surplus_policy(desired, world.observed(desired, covering(desired))) is Surplus.KEEP


ADOPTIONS = [
    ("Easy DKIM, and a selector is asked for", EasyDkim(2048), S1, "signs with Easy DKIM"),
    ("another selector", S1, S2, "under the selector s1, but spec.dkim.byodkim.selector is s2"),
    ("a selector, and Easy DKIM is asked for", S1, EasyDkim(2048), "not Easy DKIM's, under the selector s1"),
]


@pytest.mark.parametrize(("found", "asked", "words"), [case[1:] for case in ADOPTIONS], ids=[c[0] for c in ADOPTIONS])
def test_an_identity_that_is_nobodys_and_signs_otherwise_is_not_taken_over(
    found: DkimChoice, asked: DkimChoice, words: str
) -> None:
    desired = asking(asked, adoption=AdoptionPolicy.IF_UNOWNED)
    plan = next_plan(_nobodys(verified(found)), desired, covering(desired))
    problem = plan.regions[REGION].problem
    assert plan.ses_steps == {}
    assert problem is not None
    assert (problem.reason, words in problem.message) == (Reason.DKIM_CONFLICT, True)


def test_an_identity_with_just_this_key_is_taken_over_by_its_tag_alone() -> None:
    desired = asking(S1, adoption=AdoptionPolicy.IF_UNOWNED)
    world = looked_at(converge(_nobodys(verified(S1)), desired, covering(desired)))
    assert world.identities == verified(S1).identities


def _nobodys(world: World) -> World:
    unowned = {region: replace(facts, tags={}) for region, facts in world.identities.items()}
    return replace(forgotten(world), identities=unowned)


def test_a_key_that_somebody_else_gave_to_our_identity_is_left_and_told() -> None:
    desired = asking(S2)
    world = verified(S1)
    facts = world.identities[REGION]
    world = replace(world, identities={REGION: replace(facts, tags=without_mark_tags(facts.tags))})
    plan = next_plan(world, desired, covering(asking(S1), desired))  # no mark on the identity names s1
    problem = plan.regions[REGION].problem
    assert plan.ses_steps == {}
    assert problem is not None
    assert problem.reason is Reason.DKIM_CONFLICT


def test_a_region_that_leaves_needs_its_record_until_its_identity_is_gone() -> None:
    desired = asking(S1)
    inventory = covering(asking(S1, REGION, OTHER), desired)
    observed = verified(S1, REGION, OTHER).observed(desired, inventory)
    assert {record.regions for record in wanted_records(desired, observed)} == {(REGION, OTHER)}

    other_key = asking(S2)
    observed = verified(S1, REGION, OTHER).observed(other_key, inventory)
    assert surplus_policy(other_key, observed) is Surplus.KEEP


def test_a_region_that_cannot_be_read_keeps_its_record() -> None:
    desired = asking(S1)
    unread = Unread(Problem(Reason.REGION_UNREACHABLE, "no answer"))
    observed = Observed({REGION: unread}, remembered={REGION: Remembered(("s1",), key_fingerprint=S1.fingerprint)})
    assert wanted_records(desired, observed) == (), "no ledger says that it is the object's"
    held = frozenset({RecordId(f"s1._domainkey.{DOMAIN}", RecordType.TXT)})
    assert [record.type for record in wanted_records(desired, replace(observed, held=held))] == [RecordType.TXT]


def test_a_parent_of_replicas_does_not_get_a_key_that_ses_would_not_replicate() -> None:
    desired = asking(S1, REGION, OTHER)
    world = verified(EasyDkim(2048), REGION, OTHER)
    replica = replace(
        world.identities[OTHER],
        dkim=replace(world.identities[REGION].dkim, origin=SigningOrigin.REPLICA, parent_region=REGION),
    )
    world = replace(world, identities={**world.identities, OTHER: replica})
    plan = next_plan(world, desired, covering(desired))
    assert plan.ses_steps == {}
    assert {problem.reason for each in plan.regions.values() if (problem := each.problem)} == {Reason.DKIM_CONFLICT}


def _standing(state: RecordState, provider: DnsProvider = DnsProvider.ROUTE53) -> tuple[Desired, Observed]:
    """A verified identity with s1, for which s2 is asked; its record stands in this state."""
    desired = asking(S2, provider=provider)
    observed = verified(S1).observed(desired, covering(desired))
    entries = tuple(PublishedRecord(record, state) for record in wanted_records(desired, observed))
    return desired, replace(observed, dns=DnsObservation(entries, in_sync=True))


def test_that_ses_has_found_the_last_key_says_nothing_of_the_next_ones_record() -> None:
    desired, observed = _standing(RecordState.PENDING)
    (entry,) = with_findings(desired, observed, {}).dns.records  # type: ignore[union-attr]
    assert (entry.state, seen_by_ses(observed, entry.record)) == (RecordState.PENDING, False)
    assert is_awaited(observed, entry.record)


def test_before_ses_is_told_the_name_servers_are_heard_even_if_route_53_is_in_sync() -> None:
    desired, observed = _standing(RecordState.PENDING)
    assert worth_a_look(desired, observed) == (), "Route 53 knows that it is not served yet"

    desired, observed = _standing(RecordState.PUBLISHED)
    (record,) = worth_a_look(desired, observed)
    missing = LookupFinding(
        record, FindingState.MISSING, Reason.DNS_RECORD_MISSING, "not there", Answer(Outcome.NO_NAME)
    )
    observed = with_findings(desired, observed, {record.id: missing})
    plan = plan_identity(desired, observed, covering(asking(S1), desired), NOW)
    assert without_marks(steps_of(plan)) == ()


def test_a_text_that_external_dns_never_changes_is_told_with_the_way_round_it() -> None:
    desired, observed = _standing(RecordState.PENDING, DnsProvider.DNS_ENDPOINT)
    (record,) = worth_a_look(desired, observed)
    old = LookupFinding(record, FindingState.DIFFERENT, Reason.DNS_RECORD_WRONG, "another key", Answer(Outcome.FOUND))
    (entry,) = with_findings(desired, observed, {record.id: old}).dns.records  # type: ignore[union-attr]
    assert "choose another selector" in entry.message


def test_neither_the_configuration_nor_its_digest_tells_the_private_key() -> None:
    desired = asking(S1)
    assert "private a" not in f"{desired!r} {desired} {CreateIdentity(REGION, DOMAIN, S1)!r}"
    assert desired.digest() == asking(replace(S1, private_key=S2.private_key)).digest()


def test_the_digest_is_of_what_is_configured_and_not_of_what_the_secret_holds_for_the_moment() -> None:
    unread = Problem(Reason.SECRET_NOT_FOUND, "the Secret is not there")
    denied = Problem(Reason.ACCESS_DENIED, "it may not be read")
    assert (
        asking(S1).digest()
        == asking(MissingKey("s1", unread)).digest()
        == asking(MissingKey("s1", denied)).digest()
        == asking(replace(S1, public_key=S2.public_key)).digest()
    )
    assert len({asking(S1).digest(), asking(S2).digest(), asking(MissingKey("s2", unread)).digest()}) == 2


def test_an_identity_is_left_alone_only_while_every_region_has_the_key_of_the_secret() -> None:
    def status(*regions: str, key: OwnKey) -> SesIdentityStatus:
        dkim = RegionDkimStatus(tokens=(key.selector,), key_fingerprint=key.fingerprint)
        return SesIdentityStatus(regions=tuple(RegionStatus(region=region, dkim=dkim) for region in regions))

    both = asking(S1, REGION, OTHER)
    assert has_its_key(status(REGION, OTHER, key=S1), both)
    assert not has_its_key(status(REGION, key=S1), both)
    assert not has_its_key(status(REGION, key=replace(S1, public_key=S2.public_key)), asking(S1)), "a rotation"
    missing = asking(MissingKey("s1", Problem(Reason.SECRET_NOT_FOUND, "gone")))
    assert not has_its_key(status(REGION, key=S1), missing), "that is to be told"
    assert has_its_key(SesIdentityStatus(), wanted())


def test_the_inventory_names_the_selectors_so_that_a_lost_status_does_not_make_our_key_a_strangers() -> None:
    inventory = covering(asking(S1))
    assert Inventory.decode(inventory.encode()).settings == {"byodkim/s1"}
    desired = asking(S2)
    plan = next_plan(forgotten(verified(S1)), desired, inventory | covering(desired))
    problem = plan.regions[REGION].problem
    assert problem is not None
    assert problem.reason is Reason.WAITING_FOR_DNS


def test_what_ses_answers_of_a_customers_key_is_its_selector() -> None:
    facts = verified(S1).identities[REGION]
    assert facts.dkim == replace(source_dkim(REGION, S1), status=SUCCESS)
    assert without_mark_tags(facts.tags) == {OWNER_TAG: str(OWNER)}
    desired = asking(S1)
    observed = Observed({REGION: Present(facts)})
    assert not signs_with(S1, REGION, observed), "without memory and without DNS nothing is known of the key"
    assert plan_identity(desired, observed, covering(desired), NOW).ses_steps == {}


def _status(world: World, desired: Desired, inventory: Inventory) -> SesIdentity:
    """The object, with the status that a run in this world ends with."""
    observed = world.observed(desired, inventory)
    plan = plan_identity(desired, observed, inventory, NOW)
    case = ReportInput.of(
        desired, observed, plan, account="default", account_id="123456789012", partition="aws", suspended=None
    )
    spec = {"domain": DOMAIN, "regions": list(desired.regions)}
    metadata = {"name": "mail", "namespace": "team-a", "generation": 1}
    identity = SesIdentity.model_validate({"metadata": metadata, "spec": spec, "status": {"observedGeneration": -1}})
    return identity.model_copy(update={"status": identity_status(identity, case, None, NOW)})


def test_status_remembers_the_key_that_ses_has_even_where_only_ses_and_dns_told_it() -> None:
    desired, world = asking(S1), forgotten(verified(S1))
    identity = _status(world, desired, covering(desired))
    (region,) = identity.status.regions
    assert region.dkim is not None
    assert (region.dkim.key_fingerprint, region.dkim.signing_hosted_zone) == (S1.fingerprint, None)
    assert remembered(identity)[REGION].key_fingerprint == S1.fingerprint
    assert region.pending_since is None


def test_status_says_what_a_key_waits_for_and_since_when() -> None:
    desired = asking(S2)
    inventory = covering(asking(S1), desired)
    (region,) = _status(verified(S1), desired, inventory).status.regions
    assert (region.verification_status, region.pending_since) == ("SUCCESS", NOW)
    assert "until then mail is signed as before" in str(region.message)


@pytest.mark.parametrize(
    ("first", "second", "unsigned"),
    [(S1, S2, True), (S1, EasyDkim(2048), True), (EasyDkim(2048), S1, True), (EasyDkim(2048), EasyDkim(1024), False)],
    ids=["another key", "back to Easy DKIM", "away from Easy DKIM", "a shorter key of SES's, which has the old one"],
)
def test_status_says_that_mail_goes_unsigned_while_ses_looks_for_the_next_keys_record(
    first: DkimChoice, second: DkimChoice, unsigned: bool
) -> None:
    desired, inventory = asking(second), covering(asking(first), asking(second))
    world = converge(verified(first), desired, inventory)
    message = str(_status(world, desired, inventory).status.regions[0].message)
    assert ("until then mail is sent unsigned" in message) is unsigned
    assert "Waiting for SES to find the DKIM records" in message
