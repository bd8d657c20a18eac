"""A model of the world outside, for properties of plans: SES identities and the records of one zone, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ses_operator.api.base.meta import MARK_TAGS
from ses_operator.core.features.marks import wanted_marks
from ses_operator.core.model.dkim_source import EasyDkim, GivenDkim, NoDkim, OwnKey, ReplicaDkim
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import RecordSet
from ses_operator.core.model.ses import DkimFacts, IdentityFacts, SigningOrigin, VerificationStatus
from ses_operator.core.planning.dry_run import dry_run
from ses_operator.core.planning.expected import expected_memory, expected_state, unverified_address
from ses_operator.core.planning.pending_changes import pending_changes, suspension
from ses_operator.core.planning.plan import Plan, inventory_of, plan_identity, surplus_policy, wanted_records
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Absent, Observed, Present, Read, RegionView, Remembered
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import (
    CreateIdentity,
    DeleteIdentity,
    DnsStep,
    PublishRecords,
    SendVerificationEmail,
    SesStep,
    SetDkimSource,
    Surplus,
    TagIdentity,
    UntagIdentity,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKENS = ("aaa", "bbb", "ccc")


@dataclass(frozen=True)
class World:
    """Identities by region, and the record sets that are ours in the zone.

    ``keys``: the customer's key that SES has, by region, which it does not tell. ``memory``: what status remembers.
    """

    identities: Mapping[str, IdentityFacts] = field(default_factory=dict)
    records: frozenset[RecordSet] = frozenset()
    keys: Mapping[str, OwnKey] = field(default_factory=dict)
    memory: Mapping[str, Remembered] = field(default_factory=dict, compare=False)

    def observed(self, desired: Desired, inventory: Inventory) -> Observed:
        """What a reconcile of ``desired`` sees of this world."""
        regions: dict[str, RegionView] = {
            region: Read(self.identities[region]) if region in self.identities else Absent()
            for region in {*desired.regions, *inventory.regions}
        }
        observed = Observed(regions=regions, remembered=self.memory, invited=inventory.invited)
        wanted = wanted_records(desired, observed)
        states = tuple(
            PublishedRecord(record, RecordState.PUBLISHED if record in self.records else RecordState.MISSING)
            for record in wanted
        )
        surplus = tuple(sorted(str(record) for record in self.records - set(wanted)))
        observed = replace(observed, dns=DnsObservation(states, surplus))
        to_go = bool(surplus) and surplus_policy(desired, observed) is not Surplus.KEEP
        in_sync = not to_go and all(entry.state is RecordState.PUBLISHED for entry in states)
        return replace(observed, dns=DnsObservation(states, surplus, in_sync))

    def do(self, step: SesStep) -> World:
        """The world after one call to SES."""
        view = Read(self.identities[step.region]) if step.region in self.identities else Absent()
        if isinstance(step, CreateIdentity):
            self._admit_replica(step)
        elif not isinstance(step, SendVerificationEmail):
            assert isinstance(view, Present), f"{step} needs an identity"
        if isinstance(step, DeleteIdentity | SetDkimSource):
            replicas = [r for r, facts in self.identities.items() if facts.dkim.parent_region == step.region]
            assert not replicas, f"the replicas in {replicas} do not allow to {step}"
        if isinstance(step, SetDkimSource):
            assert self.identities[step.region].dkim.parent_region is None, "SES makes a replica into nothing else"
        given = step.dkim if isinstance(step, CreateIdentity | SetDkimSource) else None
        changed = expected_state(step, view, source_dkim(step.region, given) if given else None)
        identities = dict(self.identities)
        identities.pop(step.region, None)
        if isinstance(changed, Present):
            identities[step.region] = changed.facts
        memory = {**self.memory, step.region: expected_memory(step, self.memory.get(step.region, Remembered()), NOW)}
        return replace(self, identities=identities, keys=self._keys_after(step, given), memory=memory)

    def _keys_after(self, step: SesStep, given: GivenDkim | None) -> dict[str, OwnKey]:
        if given is None and not isinstance(step, DeleteIdentity):
            return dict(self.keys)
        keys = {region: key for region, key in self.keys.items() if region != step.region}
        return {**keys, step.region: given} if isinstance(given, OwnKey) else keys

    def has_records_of(self, region: str) -> bool:
        """Whether the records of the key that SES has stand in DNS."""
        tokens, key = self.identities[region].dkim.tokens, self.keys.get(region)
        if key is not None:
            return any(record.values == (f"v=DKIM1; k=rsa; p={key.public_key}",) for record in self.records)
        names = {record.name.partition(".")[0] for record in self.records}
        return bool(tokens) and set(tokens) <= names

    def _admit_replica(self, step: CreateIdentity) -> None:
        """A replica of what is not a verified original would be made, and never be verified."""
        if isinstance(step.dkim, ReplicaDkim):
            parent = self.identities[step.dkim.parent_region]
            assert parent.dkim.origin is SigningOrigin.EASY
            assert parent.verification_status is VerificationStatus.SUCCESS

    def publish(self, step: DnsStep) -> World:
        """The world after one DNS step."""
        match step:
            case PublishRecords(records, Surplus.REMOVE | Surplus.RELEASE):
                return replace(self, records=frozenset(records))
            case PublishRecords(records, Surplus.KEEP):
                kept = {record for record in self.records if record.id not in {r.id for r in records}}
                return replace(self, records=frozenset(records) | kept)
            case _:
                return replace(self, records=frozenset())


def seen_by_ses(world: World) -> World:
    """The world after SES has looked: replicas have their parents' keys, and what has its records is verified."""
    world = replace(world, identities={region: _replicated(world, facts) for region, facts in world.identities.items()})
    names = {record.name for record in world.records}

    def looked_at(region: str, facts: IdentityFacts) -> IdentityFacts:
        mail_from = facts.mail_from
        if mail_from is not None and mail_from.domain in names:
            mail_from = replace(mail_from, status=VerificationStatus.SUCCESS)
        if not world.has_records_of(region):
            return replace(facts, mail_from=mail_from)
        dkim = replace(facts.dkim, status=VerificationStatus.SUCCESS, key_length=facts.dkim.next_key_length)
        success = VerificationStatus.SUCCESS
        return replace(facts, verification_status=success, dkim=dkim, mail_from=mail_from, sending_enabled=True)

    return replace(world, identities={region: looked_at(region, facts) for region, facts in world.identities.items()})


def _replicated(world: World, facts: IdentityFacts) -> IdentityFacts:
    parent = world.identities.get(facts.dkim.parent_region or "")
    if parent is None or parent.verification_status is not VerificationStatus.SUCCESS:
        return facts
    copied = replace(facts.dkim, tokens=parent.dkim.tokens, signing_hosted_zone=parent.dkim.signing_hosted_zone)
    return replace(facts, dkim=copied)


def fresh_dkim(region: str, key_length: int) -> DkimFacts:
    """What CreateEmailIdentity answers in this world."""
    tokens = tuple(f"{token}{region.replace('-', '')}" for token in TOKENS)
    return DkimFacts(
        VerificationStatus.PENDING,
        signing_enabled=True,
        tokens=tokens,
        signing_hosted_zone=f"dkim.{region}.amazonses.com",
        key_length=key_length,
        next_key_length=key_length,
    )


def source_dkim(region: str, source: GivenDkim) -> DkimFacts:
    """What SES answers of DKIM when it is given this source, in this world."""
    match source:
        case EasyDkim(key_length):
            return fresh_dkim(region, key_length)
        case NoDkim():
            return unverified_address().dkim
        case ReplicaDkim(parent_region):
            return replace(_empty(SigningOrigin.REPLICA), parent_region=parent_region)
        case OwnKey(selector):
            return replace(_empty(SigningOrigin.EXTERNAL), tokens=(selector,))


def _empty(origin: SigningOrigin) -> DkimFacts:
    return DkimFacts(VerificationStatus.PENDING, signing_enabled=True, tokens=(), signing_hosted_zone="", origin=origin)


def next_plan(world: World, desired: Desired, inventory: Inventory) -> Plan:
    return plan_identity(desired, world.observed(desired, inventory), inventory, NOW)


def steps_of(plan: Plan) -> list[SesStep]:
    return [step for steps in plan.ses_steps.values() for step in steps]


def without_marks(steps: Iterable[SesStep]) -> tuple[SesStep, ...]:
    """The steps, and what they do to tags beside the marks on the identity."""
    return tuple(left for step in steps if (left := _without_marks(step)) is not None)


def _without_marks(step: SesStep) -> SesStep | None:
    match step:
        case CreateIdentity(tags=tags):
            return replace(step, tags=without_mark_tags(tags))
        case TagIdentity(tags=tags):
            left = without_mark_tags(tags)
            return replace(step, tags=left) if left else None
        case UntagIdentity(keys=keys):
            kept = tuple(key for key in keys if key not in MARK_TAGS)
            return replace(step, keys=kept) if kept else None
        case _:
            return step


def without_mark_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Tags without the operator's marks of what it has set."""
    return {key: value for key, value in (tags or {}).items() if key not in MARK_TAGS}


def marked_by(desired: Desired, facts: IdentityFacts, region: str) -> IdentityFacts:
    """An identity that has the marks of this configuration too, as if all of it had been set here."""
    return replace(facts, tags={**(facts.tags or {}), **wanted_marks(desired, region, facts)})


def marked(world: World, desired: Desired) -> World:
    """The world in which every identity has the marks of this configuration too."""
    identities = {region: marked_by(desired, facts, region) for region, facts in world.identities.items()}
    return replace(world, identities=identities)


def converge(world: World, desired: Desired, inventory: Inventory, most_steps: int | None = None) -> World:
    """The world after planning and applying until nothing is left, or after ``most_steps`` external calls: a crash."""
    left = most_steps if most_steps is not None else 1_000
    for _ in range(20):
        plan = next_plan(world, desired, inventory)
        if plan.is_empty:
            return world
        for step in steps_of(plan):
            if left == 0:
                return world
            world, left = world.do(step), left - 1
        if plan.dns is not None:
            if left == 0:
                return world
            world, left = world.publish(plan.dns), left - 1
    raise AssertionError("the plan does not come to an end")


def covering(*desires: Desired) -> Inventory:
    """The inventory as the operator keeps it while these are wanted one after another."""
    inventory = Inventory()
    for desired in desires:
        nowhere = {region: Absent() for region in desired.regions}
        inventory |= inventory_of(desired, ["Z1"], nowhere, inventory)
    return inventory


def held_back(desired: Desired, observed: Observed) -> Problem | None:
    """What is said of an identity that is suspended, as far as SES is concerned."""
    rehearsal = dry_run(desired, observed, covering(desired), NOW)
    return suspension(pending_changes(rehearsal, None, Surplus.KEEP))
