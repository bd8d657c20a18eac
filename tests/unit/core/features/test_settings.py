"""What holds for every setting of an identity: a new one is an entry of SETTINGS, and nothing more, to all of this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_operator.api.base.meta import SETTINGS_MARK
from ses_operator.core.features.settings import SETTINGS, actions_of_settings, needed_reads, remembered_settings
from ses_operator.core.iam.permissions import ACTIONS
from ses_operator.core.model.dkim_source import EasyDkim
from ses_operator.core.planning.expected import created
from ses_operator.core.planning.plan import plan_identity
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Present, Read
from ses_operator.core.state.setting import UNKNOWN, UNMANAGED, Call, NoValue, Setting
from ses_operator.core.state.steps import CreateIdentity, PutSetting
from unit.strategies import DOMAIN, asked_for, asking_for, desires, wanted, wanted_value
from unit.world import NOW, fresh_dkim, without_marks

REGION = "eu-west-1"
NEW = created(CreateIdentity(REGION, DOMAIN, EasyDkim(2048)), fresh_dkim(REGION, 2048))

every_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)


def accepted(call: Call, operation: str | None = None) -> bool:
    """Whether SES's own model of its API has this operation, with these parameters."""
    model = ServiceModel(Loader().load_service_model(call.api.value, "service-2"))
    shape = model.operation_model(operation or call.operation).input_shape
    return shape is not None and not ParamValidator().validate(dict(call.parameters), shape).has_errors()


def test_keys_are_unique_and_what_comes_before_is_known() -> None:
    keys = [setting.key for setting in SETTINGS]
    assert len(keys) == len(set(keys))
    for position, setting in enumerate(SETTINGS):
        assert set(setting.after) <= set(keys[:position]), setting


@settings(max_examples=30)
@given(desires(), st.sampled_from(SETTINGS))
def test_what_was_set_is_found(desired: Desired, setting: Setting[Any]) -> None:
    value = wanted_value(setting, desired)
    if value is not UNMANAGED:
        assert setting.found(setting.expected(NEW, value)) == value
        assert setting.found(setting.expected(setting.expected(NEW, setting.reset_to), value)) == value


@every_setting
def test_what_was_set_changes_nothing_that_another_setting_reads(setting: Setting[Any]) -> None:
    changed = setting.expected(NEW, asked_for(setting))
    others = [other for other in SETTINGS if other != setting]
    assert [other.found(changed) for other in others] == [other.found(NEW) for other in others]


@every_setting
def test_a_new_identity_has_what_it_is_reset_to(setting: Setting[Any]) -> None:
    assert setting.found(NEW) == setting.reset_to


@every_setting
def test_it_has_words_for_every_value_and_for_what_stands_in_its_place(setting: Setting[Any]) -> None:
    value = asked_for(setting)
    assert setting.words(value) != setting.words(setting.reset_to)
    assert setting.current(setting.reset_to, value) != setting.current(value, setting.reset_to)
    step = PutSetting(REGION, DOMAIN, setting, value)
    assert str(step) == f"{setting.words(value)} in {REGION}"
    assert step.action.isalnum()


@every_setting
def test_ses_knows_the_call_and_the_policy_allows_it(setting: Setting[Any]) -> None:
    for value in (asked_for(setting), setting.reset_to):
        call = setting.call(DOMAIN, value)
        assert accepted(call), call
        assert setting.iam_action.name == f"ses:{call.operation}"
    assert setting.iam_action in ACTIONS


@every_setting
def test_what_has_to_be_read_for_it_is_known_to_ses_allowed_and_enough(setting: Setting[Any]) -> None:
    if setting.read is None:
        return
    call = setting.read.call(DOMAIN)
    assert accepted(call), call
    assert setting.read.iam_action.name == f"ses:{call.operation}"
    assert setting.read.iam_action in ACTIONS
    unread = setting.read.merge(replace(NEW, topics=None), DOMAIN, {})
    assert setting.found(unread) == setting.reset_to, "an identity of which SES says nothing is as it began"


def test_each_action_is_named_once() -> None:
    names = [action.name for action in actions_of_settings()]
    assert len(names) == len(set(names))


@every_setting
def test_what_left_the_spec_is_reset_and_what_was_never_in_it_is_left_alone(setting: Setting[Any]) -> None:
    nothing, value = wanted(), asked_for(setting)
    if not setting.memory:
        assert setting.wanted(nothing, REGION) == setting.reset_to, "the spec always asks for something"
        return
    facts = replace(setting.expected(NEW, value), tags=nothing.tags)
    marked = replace(facts, tags={**nothing.tags, SETTINGS_MARK: setting.memory})
    annotated = Inventory(frozenset({REGION}), settings=frozenset({setting.entry(REGION)}))
    reset = (PutSetting(REGION, DOMAIN, setting, setting.reset_to),)
    # The mark on the identity decides, whatever the annotation says or has lost.
    for inventory in (annotated, Inventory(frozenset({REGION})), Inventory()):
        for found, steps in ((marked, reset), (facts, ())):
            plan = plan_identity(nothing, Observed({REGION: Read(found)}), inventory, NOW)
            assert without_marks(plan.regions[REGION].steps) == steps


@settings(max_examples=30)
@given(desires())
def test_the_inventory_remembers_just_what_the_spec_need_not_have(desired: Desired) -> None:
    for setting in SETTINGS:
        for region in desired.regions:
            is_managed = setting.wanted(desired, region) is not UNMANAGED
            if setting.memory:
                assert (setting.entry(region) in remembered_settings(desired)) is is_managed


@settings(max_examples=30)
@given(desires())
def test_nothing_is_read_that_no_managed_setting_needs(desired: Desired) -> None:
    unread: Mapping[bool, Any] = {True: replace(NEW, topics=None), False: NEW}
    for region in desired.regions:
        for is_unread, facts in unread.items():
            needed = {
                setting.read.key
                for setting in SETTINGS
                if setting.read and setting.wanted(desired, region) is not UNMANAGED
            }
            reads = needed_reads(desired, region, facts, Inventory())
            assert {read.key for read in reads} == (needed if is_unread else set())


def test_nothing_is_set_while_it_is_not_known_what_stands() -> None:
    unread = replace(NEW, topics=None)
    unknown = [setting for setting in SETTINGS if isinstance(setting.found(unread), NoValue)]
    assert {setting.found(unread) for setting in unknown} == {UNKNOWN}
    for setting in unknown:
        spec = asking_for(setting)
        view = Present(replace(unread, tags=spec.tags))
        plan = plan_identity(spec, Observed(dict.fromkeys(spec.regions, view)), Inventory(), NOW)
        assert not any(step.key == setting.key for steps in plan.ses_steps.values() for step in steps)
