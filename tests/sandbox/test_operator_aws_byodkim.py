"""The customer's DKIM key on its way to SES: what is asked, what is learnt, and that no error shows the key."""

from __future__ import annotations

import traceback
from dataclasses import replace

import pytest

from sandbox.operator_aws_world import DOMAIN, REGION, AwsWorld, aws_world, perform
from ses_operator.aws.calls.budget import Priority
from ses_operator.core.features.keys.dkim_keys import new_key, read_key
from ses_operator.core.model.dkim_source import EasyDkim, OwnKey, PrivateKey
from ses_operator.core.model.problems import Blocked, Gone
from ses_operator.core.model.ses import SigningOrigin, VerificationStatus
from ses_operator.core.planning.expected import expected_state
from ses_operator.core.state.observed import Absent, Present
from ses_operator.core.state.steps import CreateIdentity, SesStep, SetDkimSource

NOW = Priority.PERSON


def own_key(selector: str = "s1") -> OwnKey:
    key = read_key(selector, new_key())
    assert isinstance(key, OwnKey)
    return key


async def folded(world: AwsWorld, *steps: SesStep) -> None:
    """Performs the steps; what is folded after each must be what a read then tells of DKIM."""
    region = (await world.account()).region(REGION)
    view: Present | Absent = Absent()
    for step in steps:
        told = await perform(region, step, NOW)
        changed = expected_state(step, view, told)
        assert isinstance(changed, Present)
        read = await region.get(DOMAIN, NOW)
        # When SES makes a key, it tells the time of that only to those who read.
        assert replace(read.dkim, last_key_generation=None) == replace(changed.facts.dkim, last_key_generation=None)
        view = changed


async def test_what_is_folded_after_each_switch_is_what_ses_then_tells() -> None:
    async with aws_world() as world:
        await folded(
            world,
            CreateIdentity(REGION, DOMAIN, own_key("s1"), {}, None),
            SetDkimSource(REGION, DOMAIN, own_key("s2")),
            SetDkimSource(REGION, DOMAIN, EasyDkim(1024)),
            SetDkimSource(REGION, DOMAIN, own_key("s2")),
        )


async def test_an_identity_with_the_customers_key_answers_with_its_selector() -> None:
    async with aws_world() as world:
        region = (await world.account()).region(REGION)
        told = await perform(region, CreateIdentity(REGION, DOMAIN, own_key(), {}, None), NOW)
        assert told is not None
        assert (told.origin, told.tokens, told.status) == (SigningOrigin.EXTERNAL, ("s1",), VerificationStatus.PENDING)
        assert world.calls() == {"GetCallerIdentity": 1, "CreateEmailIdentity": 1}


@pytest.mark.parametrize("exists", [True, False], ids=["a key that SES refuses", "an identity that does not exist"])
async def test_no_error_shows_the_key(exists: bool) -> None:
    planted = "cGxhbnRlZC1wcml2YXRlLWtleQ"
    refused = OwnKey("s1", "cHVibGlj", PrivateKey(planted))
    async with aws_world() as world:
        if exists:
            await world.create()
        region = (await world.account()).region(REGION)
        with pytest.raises(Blocked if exists else Gone) as caught:
            await perform(region, SetDkimSource(REGION, DOMAIN, refused), NOW)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.problem)
    assert planted not in told
