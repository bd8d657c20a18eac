"""How identities share the batches of a zone, and how a bad one is found out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.reasons import Reason
from ses_operator.aws.errors.translation import Refused
from ses_operator.core.dns.batches import ChangeSet, first_batch, halves, is_stale
from ses_operator.core.dns.zone_sets import BatchLimits, Change, ChangeAction, ZoneSet
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.problems import Blocked, OperatorError, Retry, Stale
from ses_operator.dns.batches import ZoneBatches

LIMITS = BatchLimits(elements=10, characters=100)


@dataclass(frozen=True, slots=True)
class Item:
    elements: int
    characters: int


_items = st.lists(st.builds(Item, st.integers(1, 12), st.integers(1, 120)), min_size=1)


@given(_items)
def test_batches_keep_the_order_and_the_limits_and_lose_nothing(items: list[Item]) -> None:
    waiting: Sequence[Item] = items
    sent: list[Item] = []
    while waiting:
        batch = first_batch(waiting, LIMITS)
        fits = LIMITS.admits(sum(item.elements for item in batch), sum(item.characters for item in batch))
        assert fits or len(batch) == 1
        sent += batch
        waiting = waiting[len(batch) :]
    assert sent == items


@given(_items)
def test_a_batch_is_as_full_as_it_can_be(items: list[Item]) -> None:
    batch = first_batch(items, LIMITS)
    more = items[: len(batch) + 1]
    fits = LIMITS.admits(sum(item.elements for item in more), sum(item.characters for item in more))
    assert len(batch) == len(items) or not fits


@given(st.lists(st.integers(), min_size=2))
def test_halves_are_smaller_and_lose_nothing(batch: list[int]) -> None:
    first, second = halves(batch)
    assert [*first, *second] == batch
    assert 0 < len(second) <= len(first) < len(batch)


CREATE, DELETE = (f"Tried to {verb} resource record set [name='a.', type='MX'] but" for verb in ("create", "delete"))
NOT_PERMITTED = "with DNS name a. is not permitted"


@pytest.mark.parametrize(
    ("refusal", "stale"),
    [
        (f"[{CREATE} it already exists]", True),
        (f"[{DELETE} it was not found]", True),
        (f"[{DELETE} the values provided do not match the current values]", True),
        (
            f"[RRSet of type CNAME {NOT_PERMITTED} as it conflicts with other records with the same DNS name in b.]",
            True,
        ),
        (f"[RRSet of type TXT {NOT_PERMITTED} because a conflicting RRSet of type  CNAME already exists in b.]", True),
        (f"[RRSet {NOT_PERMITTED} in zone b.]", False),
        ("[Invalid Resource Record: 'FATAL problem: InvalidCharacterString encountered with 'x'']", False),
    ],
)
def test_only_a_zone_that_has_changed_is_worth_another_look(refusal: str, stale: bool) -> None:
    """The wording is Route 53's, as public threads show it."""
    assert is_stale(refusal) is stale


def identity(number: int, value: str = "good") -> ChangeSet:
    domain = f"d{number}.example.com"
    written = ZoneSet(domain, "TXT", 300, (value,))
    return ChangeSet(Owner("test", ObjectKey("team", f"i{number}")), domain, (Change(ChangeAction.CREATE, written),))


class Zone:
    """Takes and refuses batches as Route 53 does, one at a time."""

    def __init__(self) -> None:
        self.accepted: list[Sequence[ChangeSet]] = []
        self.sent = 0
        self.busy = False
        self.sending = asyncio.Event()
        self.failures: list[OperatorError] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, batch: Sequence[ChangeSet]) -> str:
        assert not self.busy
        self.busy = True
        self.sending.set()
        self.sent += 1
        await self.open.wait()
        self.busy = False
        if self.failures:
            raise self.failures.pop()
        values = [value for changes in batch for change in changes.changes for value in change.set.values]
        for sign in ("already exists", "is malformed"):
            if sign in values:
                raise Refused(Reason.INVALID_SPEC, f"[a record {sign}]")
        self.accepted.append(batch)
        return f"C{len(self.accepted)}"


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def batches(zone: Zone) -> ZoneBatches:
    return ZoneBatches(zone.send, limits=LIMITS, collect_seconds=0)


async def test_what_arrives_together_is_sent_together(zone: Zone, batches: ZoneBatches) -> None:
    ids = await asyncio.gather(*(batches.submit(identity(number)) for number in range(10)))
    assert set(ids) == {"C1"}
    assert zone.sent == 1


async def test_while_a_batch_is_on_its_way_the_next_one_fills_up(zone: Zone, batches: ZoneBatches) -> None:
    zone.open.clear()
    first = asyncio.create_task(batches.submit(identity(0)))
    await zone.sending.wait()
    later = [asyncio.create_task(batches.submit(identity(number))) for number in range(1, 6)]
    await asyncio.sleep(0)
    zone.open.set()
    assert await first == "C1"
    assert set(await asyncio.gather(*later)) == {"C2"}


@given(st.lists(st.sampled_from(["good", "already exists", "is malformed"]), min_size=1, max_size=12))
def test_each_bad_identity_is_refused_alone_and_every_good_one_is_accepted(values: list[str]) -> None:
    async def scenario() -> list[str | BaseException]:
        submit = ZoneBatches(Zone().send, limits=LIMITS, collect_seconds=0).submit
        sets = [identity(number, value) for number, value in enumerate(values)]
        return await asyncio.gather(*map(submit, sets), return_exceptions=True)

    expected = {"good": str, "already exists": Stale, "is malformed": Blocked}
    answers = asyncio.run(scenario())
    assert [isinstance(answer, expected[value]) for answer, value in zip(answers, values, strict=True)] == [True] * len(
        values
    )


async def test_a_refused_identity_hears_route_53_s_own_words(batches: ZoneBatches) -> None:
    with pytest.raises(Blocked, match=r"d0\.example\.com .*\[a record is malformed\]") as refused:
        await batches.submit(identity(0, "is malformed"))
    assert refused.value.problem.reason is Reason.DNS_RECORD_REFUSED


@pytest.mark.parametrize("reason", [Reason.PUBLISHING_RECORDS, Reason.THROTTLED])
async def test_a_batch_that_was_certainly_not_carried_out_is_sent_again(
    zone: Zone, batches: ZoneBatches, reason: Reason
) -> None:
    zone.failures.append(Retry(reason, "not now"))
    assert await batches.submit(identity(0)) == "C1"
    assert zone.sent == 2


async def test_a_batch_whose_fate_is_not_known_is_not_sent_again(zone: Zone, batches: ZoneBatches) -> None:
    zone.failures.append(Retry(Reason.SERVICE_ERROR, "no answer"))
    answers = await asyncio.gather(*(batches.submit(identity(n)) for n in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Retry] * 3
    assert zone.sent == 1


async def test_a_caller_that_gives_up_before_its_batch_is_sent_takes_its_changes_back(
    zone: Zone, batches: ZoneBatches
) -> None:
    given_up = asyncio.create_task(batches.submit(identity(0)))
    staying = asyncio.create_task(batches.submit(identity(1)))
    await asyncio.sleep(0)
    given_up.cancel()
    await staying
    assert [[changes.domain for changes in batch] for batch in zone.accepted] == [["d1.example.com"]]


async def test_closing_tells_those_who_wait(zone: Zone, batches: ZoneBatches) -> None:
    zone.open.clear()
    waiting = [asyncio.create_task(batches.submit(identity(number))) for number in range(15)]
    await zone.sending.wait()
    await batches.close()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Retry}
