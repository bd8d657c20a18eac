"""How many deletions an account lets go in an hour, whatever comes between."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import ALLOW_DELETION, DELETIONS, LET_GO_AT, ObjectMeta
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import DeletionPolicy, SesIdentity
from ses_operator.controllers.shared.cluster import ACCOUNT_INDEXES
from ses_operator.controllers.shared.deletion_limit import DeletionLimit
from ses_operator.core.model.problems import OperatorError, Problem
from ses_operator.core.model.rate_window import LOOK_AGAIN, RateWindow, decide
from ses_operator.core.planning.deletion_limit import has_a_say, held_back, region_held_back, regions_to_ask_for
from ses_operator.core.planning.leftovers import has_no_leftovers
from ses_operator.core.planning.plan import Plan, plan_identity, wanted_records
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed
from ses_operator.core.status.report import ReportInput, readiness
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.watch.cache import ObjectStore
from unit.apiserver import Json, OneObject, client_of
from unit.strategies import wanted
from unit.world import World, covering, next_plan, steps_of

NOW = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("gone", "limit", "asked", "granted"),
    [
        ([], 10, 3, 3),
        ([], 10, 300, 10),
        ([(0, 10)], 10, 1, 0),
        ([(10, 4), (50, 4)], 10, 5, 2),
        ([(60, 10)], 10, 1, 0),
        ([(61, 10)], 10, 1, 1),
        ([(5, 10)], 4, 1, 0),
        ([], 0, 5, 0),
    ],
    ids=[
        "room for all",
        "room for some",
        "no room",
        "what went before counts",
        "not before the whole hour is over",
        "after it",
        "a limit that was lowered",
        "a limit of none",
    ],
)
def test_the_limit_holds(gone: list[tuple[int, int]], limit: int, asked: int, granted: int) -> None:
    tally = RateWindow()
    for minutes, count in gone:
        tally = tally.with_more(count, NOW - timedelta(minutes=minutes))
    assert decide(tally, limit, asked, NOW).granted == granted


asks = st.lists(st.tuples(st.integers(0, 5400), st.integers(1, 30)), max_size=40)


@given(limit=st.integers(0, 40), asks=asks)
def test_in_no_hour_do_more_go_than_the_limit_allows(limit: int, asks: list[tuple[int, int]]) -> None:
    now, text, gone = NOW, "", []
    for seconds, asked in asks:
        now += timedelta(seconds=seconds)
        decision = decide(RateWindow.decode(text), limit, asked, now)
        text = decision.tally.encode()  # and a restart in between, each time
        gone += [now] * decision.granted
    assert all(sum(start <= each < start + HOUR for each in gone) <= limit for start in gone)


@given(limit=st.integers(1, 40), asks=asks)
def test_whoever_has_to_wait_may_go_when_told_to_ask_again(limit: int, asks: list[tuple[int, int]]) -> None:
    now, tally = NOW, RateWindow()
    for seconds, asked in asks:
        now += timedelta(seconds=seconds)
        decision = decide(tally, limit, asked, now)
        tally = decision.tally
        if decision.granted < asked:
            assert decide(tally, limit, 1, now + timedelta(seconds=decision.wait)).granted == 1


def test_without_any_allowed_no_time_helps() -> None:
    assert decide(RateWindow(), 0, 1, NOW).wait == LOOK_AGAIN


@pytest.mark.parametrize(
    "text", [None, "", "no json", "[]", '{"a":1}', '{"1":"x"}', '{"1":null}', "3", '{"1":1e400}', "[" * 9_000]
)
def test_a_damaged_count_says_nothing(text: str | None) -> None:
    assert RateWindow.decode(text) == RateWindow()


def test_a_count_from_a_clock_far_ahead_does_not_hold_for_ever() -> None:
    ahead = RateWindow().with_more(10, NOW + timedelta(days=400))
    assert decide(ahead, 10, 1, NOW).granted == 1


ANYWHERE = Inventory(regions=frozenset({"eu-west-1"}))


def leaving(policy: str = "Delete", **annotations: str) -> SesIdentity:
    metadata = {"name": "mail", "namespace": "team", "deletionTimestamp": NOW.isoformat(), "annotations": annotations}
    spec = {"domain": "example.com", "regions": ["eu-west-1"], "deletionPolicy": policy}
    return SesIdentity.model_validate({"metadata": metadata, "spec": spec})


def test_the_brake_has_a_say_only_before_something_is_deleted_from_aws() -> None:
    assert has_a_say(leaving(), ANYWHERE)
    assert has_a_say(leaving(**{ALLOW_DELETION: "no"}), ANYWHERE)
    assert not has_a_say(leaving(), Inventory()), "nothing was made"
    assert not has_a_say(leaving("Retain"), ANYWHERE), "nothing goes"
    assert not has_a_say(leaving(**{ALLOW_DELETION: "true"}), ANYWHERE), "somebody has said so"
    assert not has_a_say(leaving(**{LET_GO_AT: "2026-05-04T12:00:00Z"}), ANYWHERE), "it has begun"


def test_an_object_that_is_gone_already_is_not_held_back() -> None:
    gone = leaving().model_copy(update={"metadata": ObjectMeta(name="mail", namespace="team")})
    assert not has_a_say(gone, ANYWHERE)


IRELAND, VIRGINIA, OREGON = "eu-west-1", "us-east-1", "us-west-2"


def losing(**annotations: str) -> tuple[Plan, Desired, Observed, SesIdentity]:
    """An identity in three regions, of which its spec names the first only."""
    world, before = World(), wanted(regions=(IRELAND, VIRGINIA, OREGON))
    for step in steps_of(next_plan(world, before, covering(before))):
        world = world.do(step)
    desired, metadata = wanted(regions=(IRELAND,)), {"name": "mail", "annotations": annotations}
    spec = {"domain": desired.identity, "regions": [IRELAND]}
    observed = world.observed(desired, covering(before))
    identity = SesIdentity.model_validate({"metadata": metadata, "spec": spec})
    return plan_identity(desired, observed, covering(before), NOW), desired, observed, identity


def test_regions_that_leave_a_spec_are_asked_for_unless_they_were_let_go_or_a_person_says_so() -> None:
    plan, desired, _, identity = losing()
    assert regions_to_ask_for(plan, desired, Inventory(), identity) == {VIRGINIA, OREGON}
    parent = Problem(Reason.DELETION_BLOCKED, "its replica goes first")
    later = replace(plan, regions={**plan.regions, OREGON: RegionPlan.held_up(parent)})
    assert regions_to_ask_for(later, desired, Inventory(), identity) == {VIRGINIA, OREGON}, "what it loses counts once"
    released = Inventory(released=frozenset({VIRGINIA}))
    assert Inventory.decode(released.encode()) == released
    assert regions_to_ask_for(plan, desired, released, identity) == {OREGON}
    assert not regions_to_ask_for(plan, desired, Inventory(), losing(**{ALLOW_DELETION: "true"})[3])
    retained = replace(desired, deletion=DeletionPolicy.RETAIN)
    kept = plan_identity(retained, losing()[2], Inventory(), NOW)
    assert not regions_to_ask_for(kept, retained, Inventory(), identity), "nothing is deleted"


def test_a_region_that_is_held_back_stays_with_its_records_and_is_said_though_all_else_is_well() -> None:
    _, desired, observed, _ = losing()
    why = region_held_back(VIRGINIA, "default", 10, 30.0)
    plan = plan_identity(desired, observed, Inventory(), NOW, Attempt(held={VIRGINIA: why}))

    assert [step.region for step in steps_of(plan)] == [OREGON]
    assert any(VIRGINIA in record.regions for record in wanted_records(desired, observed))
    case = ReportInput.of(desired, observed, plan, account="default", account_id="1", partition="aws", suspended=None)
    ready = readiness(case, None)[ConditionType.READY]
    assert (ready.reason, ready.message) == (Reason.DELETION_LIMIT_REACHED, str(why))
    assert not has_no_leftovers(desired, replace(covering(desired), released=frozenset({VIRGINIA})))


@pytest.mark.parametrize("limit", [0, 1, 100])
def test_what_is_said_stays_the_same_while_it_waits_and_tells_the_way_out(limit: int) -> None:
    now, later = held_back("default", limit, 3000.0), held_back("default", limit, 10.0)
    assert now.message == later.message
    assert ALLOW_DELETION in now.message
    assert "spec.maxDeletionsPerHour" in now.message
    assert ("will proceed" in now.message) == (limit > 0)


def account(limit: int | None, version: int = 1) -> Json:
    spec: dict[str, Any] = {} if limit is None else {"maxDeletionsPerHour": limit}
    return {"metadata": {"name": "default", "uid": "a", "resourceVersion": str(version)}, "spec": spec}


class Desk:
    """The deletion limit of a replica that has seen the account."""

    def __init__(self, client: KubeClient, seen: Json) -> None:
        self.accounts = ObjectStore(SesAccount.model_validate, ACCOUNT_INDEXES)
        self.accounts.observe(copy.deepcopy(seen))
        self.limit = DeletionLimit(client, self.accounts, lambda: NOW)

    async def ask(self, times: int) -> list[bool]:
        """Whether each of those that ask at the same time may go."""
        return [wait == 0 for wait in await asyncio.gather(*(self.limit.acquire("default") for _ in range(times)))]


def counted(server: OneObject) -> int:
    return RateWindow.decode(server.object["metadata"].get("annotations", {}).get(DELETIONS)).total


async def test_hundreds_that_ask_at_once_are_counted_in_a_few_writes() -> None:
    server = OneObject(account(100))
    async with client_of(server) as client:
        answers = await Desk(client, account(100)).ask(300)

    assert answers == [True] * 100 + [False] * 200
    assert counted(server) == 100
    assert server.object["metadata"]["resourceVersion"] == "3", "one write for the first, and one for all the others"


async def test_the_count_survives_a_restart() -> None:
    server = OneObject(account(2))
    async with client_of(server) as client:
        assert await Desk(client, account(2)).ask(1) == [True]
        assert await Desk(client, server.object).ask(2) == [True, False]


async def test_a_count_that_somebody_else_raised_meanwhile_is_not_overwritten() -> None:
    def raised(obj: Json) -> None:
        if counted(OneObject(obj)) == 0:
            obj["metadata"]["annotations"] = {DELETIONS: RateWindow().with_more(2, NOW).encode()}
            obj["metadata"]["resourceVersion"] = "7"

    server = OneObject(account(2), meanwhile=raised)
    async with client_of(server) as client:
        assert await Desk(client, account(2)).ask(1) == [False]

    assert counted(server) == 2


async def test_without_a_limit_everybody_goes_and_nothing_is_written() -> None:
    server = OneObject(account(None))
    async with client_of(server) as client:
        assert await Desk(client, account(None)).ask(50) == [True] * 50

    assert server.object["metadata"]["resourceVersion"] == "1"


async def test_where_the_count_cannot_be_written_nobody_goes_and_it_is_tried_once_for_all() -> None:
    tries: list[int] = []

    def refuse(_: Json) -> None:
        tries.append(1)
        raise web.HTTPForbidden

    async with client_of(OneObject(account(10), meanwhile=refuse)) as client:
        limit = Desk(client, account(10)).limit
        answers = await asyncio.gather(*(limit.acquire("default") for _ in range(5)), return_exceptions=True)

    assert all(isinstance(answer, OperatorError) for answer in answers)
    assert len(tries) < 5


async def test_one_that_is_interrupted_while_it_asks_holds_up_nobody() -> None:
    server = OneObject(account(10))
    async with client_of(server) as client:
        desk = Desk(client, account(10))
        interrupted = asyncio.create_task(desk.limit.acquire("default"))
        others = asyncio.create_task(desk.ask(3))
        await asyncio.sleep(0)
        interrupted.cancel()

        assert await others == [True] * 3
