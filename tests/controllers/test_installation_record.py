"""The installation record at the real apiserver: made by the operator, lost, damaged, confirmed, and written by two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.tenant import Tenant
from controllers.host import INSTALLATION
from controllers.world import World
from devcluster.environment import OPERATOR_NAMESPACE
from ses_operator.api.base.reasons import Reason
from ses_operator.controllers.shared.installation import InstallationKeeper
from ses_operator.core.model.problems import Blocked
from ses_operator.runtime.preparation import StartRefusedError
from ses_operator.settings import Settings

IRELAND = "eu-west-1"
OTHER_ID = "other"


@pytest.fixture
def record(world: World) -> Iterator[str]:
    """The path of the record of the world's operator, which is stopped."""
    world.stop()
    yield f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps/{world.record}"
    world.start()


def _keeper(world: World, **settings: Any) -> InstallationKeeper:
    given = {"installation_id": INSTALLATION, "namespace": OPERATOR_NAMESPACE, "installation_record": world.record}
    return InstallationKeeper(world.host.client, Settings(**{**given, **settings}))


def _data(world: World, path: str) -> dict[str, str]:
    data: dict[str, str] = (world.host.api.get(path) or {})["data"]
    return data


def _run(world: World, *work: Any) -> None:
    async def run() -> None:
        await asyncio.gather(*work)

    world.host.loop.run_until_complete(run())


def test_another_id_does_not_start_and_changes_nothing(world: World, record: str) -> None:
    before = _data(world, record)
    with pytest.raises(StartRefusedError, match=f"handover --to {OTHER_ID}"):
        _run(world, _keeper(world, installation_id=OTHER_ID).begin())
    assert _data(world, record) == before == {"installationID": INSTALLATION, "accounts": "{}"}


def test_a_confirmed_id_is_recorded_and_the_former_one_does_not_start_any_more(world: World, record: str) -> None:
    was = _keeper(world)
    _run(world, was.begin())
    _run(world, _keeper(world, installation_id=OTHER_ID, confirm_installation_id=OTHER_ID).begin())
    assert _data(world, record)["installationID"] == OTHER_ID
    with pytest.raises(StartRefusedError):
        _run(world, _keeper(world).begin())
    with pytest.raises(Blocked) as refused:  # one that runs still uses no account that it did not use before
        _run(world, was.pin("default", "123456789012"))
    assert refused.value.problem.reason is Reason.INSTALLATION_CHANGED
    world.host.api.delete(record)


@pytest.mark.parametrize("data", [{}, {"installationID": ""}, {"installationID": INSTALLATION, "accounts": "[1]"}])
def test_a_damaged_record_is_left_for_a_person_to_see(world: World, record: str, data: dict[str, str]) -> None:
    world.host.api.patch(record, {"data": None})
    world.host.api.patch(record, {"data": data})
    with pytest.raises(StartRefusedError, match=world.record):
        _run(world, _keeper(world).begin())
    assert (world.host.api.get(record) or {}).get("data", {}) == data
    world.host.api.delete(record)


def test_two_that_write_at_once_lose_nothing(world: World, record: str) -> None:
    first, second = _keeper(world), _keeper(world)
    world.host.api.delete(record)
    _run(world, first.begin(), second.begin())
    _run(world, first.pin("one", "111111111111"), second.pin("two", "222222222222"))
    _run(world, second.forget("two"), first.pin("three", "333333333333"))
    _run(world, first.begin())
    assert (first.account("one"), first.account("two"), first.account("three")) == (
        "111111111111",
        None,
        "333333333333",
    )
    world.host.api.delete(record)


def test_labels_and_further_data_of_others_stay(world: World, record: str) -> None:
    world.host.api.patch(record, {"metadata": {"labels": {"team": "platform"}}})
    _run(world, _keeper(world).pin("one", "111111111111"))
    assert (world.host.api.get(record) or {})["metadata"]["labels"] == {"team": "platform"}


def test_a_record_that_goes_while_the_operator_runs_comes_back_with_the_next_account(
    world: World, record: str, tenant: Tenant
) -> None:
    world.start()
    tenant.api.delete(record)
    tenant.create_ready(IRELAND)
    assert tenant.account in _data(world, record)["accounts"]
    world.stop()
