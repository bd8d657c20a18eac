"""The operator reads what became of mail, as SES tells it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.operator_aws_world import DOMAIN, REGION, AwsWorld, aws_world, until
from ses_operator.api.account.kind import SesAccount, SesAccountSpec
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.aws.ses.metric_data import MetricData
from ses_operator.controllers.account.mail_figures import MailFigures
from ses_operator.controllers.shared.accounts import Accounts, OpenAccount
from ses_operator.controllers.shared.cluster import IDENTITY_INDEXES
from ses_operator.core.metrics.mail_figures import AccountMail, MailEvent, MailQuery, Window, queries
from ses_operator.core.metrics.registry import IDENTITY_MAIL
from ses_operator.core.model.problems import Blocked, Retry
from ses_operator.runtime.watch.cache import ObjectStore
from ses_sandbox.faults import Fault, FaultKind
from ses_sandbox.ses.state.mail_counts import MailEvent as Counted
from ses_sandbox.ses.state.mail_counts import Origin, QueryError


async def figures_of(world: AwsWorld) -> MetricData:
    return (await world.account()).metric_data(REGION)


def switch_vdm_on(world: AwsWorld) -> None:
    world.somebody_else().put_account_vdm_attributes(VdmAttributes={"VdmEnabled": "ENABLED"})


def count(world: AwsWorld, identity: str, days_ago: int = 0, **events: int) -> None:
    """Has the sandbox count mail: sent=3."""
    counts = world.sandbox.store.region("123456789012", REGION).mail
    named = {Counted[MailEvent[name.upper()].value]: number for name, number in events.items()}
    at = world.sandbox.clock.now() - timedelta(days=days_ago)
    counts.track(at, Origin(identity), named)
    counts.tally(at, named)


def month(world: AwsWorld) -> Window:
    return Window.of_days(30, world.sandbox.clock.now())


async def test_each_identity_has_its_own_counts_ten_queries_a_call() -> None:
    async with aws_world() as world:
        switch_vdm_on(world)
        names = [f"team-{number}.example.com" for number in range(5)]
        for number, name in enumerate(names):
            count(world, name, days_ago=number, sent=100, permanent_bounce=number)
        counted = await (await figures_of(world)).counts(queries(names), month(world))
        bounces = [counted[MailQuery(MailEvent.PERMANENT_BOUNCE, name)] for name in names]
        assert [sum(days.values()) for days in bounces if days is not None] == [0, 1, 2, 3, 4]
        assert world.calls()["BatchGetMetricData"] == 5 * len(MailEvent) // 10


async def test_a_query_that_ses_cannot_process_is_unknown_and_not_nought() -> None:
    async with aws_world() as world:
        switch_vdm_on(world)
        count(world, DOMAIN, sent=3)
        world.sandbox.store.region("123456789012", REGION).mail.failing["b.example.com"] = QueryError.INTERNAL_FAILURE
        asked = [MailQuery(MailEvent.SENT, DOMAIN), MailQuery(MailEvent.SENT, "b.example.com")]
        counted = await (await figures_of(world)).counts(asked, month(world))
        assert [None if days is None else sum(days.values()) for days in counted.values()] == [3, None]


async def test_an_identity_without_mail_for_a_month_is_seen_to_be_unused() -> None:
    async with aws_world() as world:
        switch_vdm_on(world)
        created_at = world.sandbox.clock.now() - timedelta(days=90)
        count(world, DOMAIN, days_ago=30, sent=3)
        count(world, "old.example.com", days_ago=60, sent=3)
        history = await (await figures_of(world)).send_history([DOMAIN, "old.example.com"], month(world))
        assert history.is_unused("old.example.com", created_at)
        assert not history.is_unused(DOMAIN, created_at)


async def test_the_account_tells_whether_anybody_counts() -> None:
    async with aws_world() as world:
        ses = (await world.account()).region(REGION)
        assert not (await ses.get_account()).vdm_enabled
        with pytest.raises(Blocked, match="Virtual Deliverability Manager"):
            await (await figures_of(world)).counts([MailQuery(MailEvent.SENT)], month(world))
        switch_vdm_on(world)
        assert (await ses.get_account()).vdm_enabled


async def test_the_accounts_own_figures_take_one_call_and_no_manager() -> None:
    async with aws_world() as world:
        count(world, DOMAIN, sent=1000, permanent_bounce=50, complaint=1)
        figures = await (await figures_of(world)).account_mail(month(world))
        assert figures == AccountMail(attempted=1000, bounced=50, complained=1)
        assert world.calls()["GetSendStatistics"] == 1


async def test_a_throttled_call_takes_its_turn_again() -> None:
    async with aws_world() as world:
        switch_vdm_on(world)
        figures = await figures_of(world)
        for operation in ("BatchGetMetricData", "GetSendStatistics"):
            world.sandbox.faults.add(Fault(kind=FaultKind.THROTTLE, operation=operation, times=2))
        assert await figures.counts([MailQuery(MailEvent.SENT)], month(world)) == {MailQuery(MailEvent.SENT): {}}
        assert await figures.account_mail(month(world)) == AccountMail()
        assert world.calls() == {"GetCallerIdentity": 1, "BatchGetMetricData": 3, "GetSendStatistics": 3}


async def test_a_region_that_fails_is_asked_again_later() -> None:
    async with aws_world() as world:
        world.sandbox.faults.add(Fault(kind=FaultKind.ERROR, service="ses", status=500, code="InternalFailure"))
        with pytest.raises(Retry):
            await (await figures_of(world)).account_mail(month(world))


def identity(number: int) -> dict[str, Any]:
    """An object that SES has an identity for."""
    name = f"team-{number}"
    return {
        "metadata": {"namespace": "team", "name": name, "uid": name, "resourceVersion": "1"},
        "spec": {"domain": f"{name}.example.com", "regions": [REGION], "accountRef": {"name": "default"}},
        "status": {"regions": [{"region": REGION, "verificationStatus": "SUCCESS"}]},
    }


@pytest.mark.parametrize(("vdm", "batches"), [(True, 3), (False, 0)])
async def test_a_reading_costs_two_calls_for_a_region_and_one_for_ten_queries(vdm: bool, batches: int) -> None:
    async with aws_world() as world:
        if vdm:
            switch_vdm_on(world)
        count(world, "team-1.example.com", sent=100, permanent_bounce=7)
        identities = ObjectStore(SesIdentity.model_validate, IDENTITY_INDEXES)
        for number in range(5):
            identities.observe(identity(number))
        accounts = Accounts(ObjectStore(SesAccount.model_validate, {}), "test")
        accounts.put("default", OpenAccount("default", SesAccountSpec(), await world.account()))
        figures = MailFigures(identities, accounts, 3600.0, world.sandbox.clock.now)
        figures.start()
        await until(lambda: bool(list(figures.samples())))
        samples = list(figures.samples())
        await figures.close()
        bounces = [each.labels for each in samples if each.metric is IDENTITY_MAIL and each.value == 7]
        assert len(bounces) == (1 if vdm else 0)
        expected = {"GetCallerIdentity": 1, "GetAccount": 1, "GetSendStatistics": 1, "BatchGetMetricData": batches}
        assert world.calls() == {name: number for name, number in expected.items() if number}
