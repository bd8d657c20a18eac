"""The marks on an identity: what the operator has set there, in tags of the identity itself. Pure.

What the spec no longer names is reset, or removed, only if it was set here: whatever others set stays. Annotations and
status of the object may be lost, come from an older backup, or claim what never happened; these tags cannot. A name is
added with the creation of the identity, or before what it names is set, and goes after that has been reset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ses_operator.api.base.meta import MARK_TAGS, POLICIES_MARK, SETTINGS_MARK, TAGS_MARK
from ses_operator.api.identity.sending import GENERATED_POLICY
from ses_operator.core.features.keys.key_identity import own_selector, selector_setting
from ses_operator.core.features.settings import SETTINGS
from ses_operator.core.model.dkim_source import MissingKey, OwnKey
from ses_operator.core.model.mark_tags import digest, names_in, value_of
from ses_operator.core.model.ses import DkimFacts, IdentityFacts, VerificationStatus
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.setting import UNMANAGED

POLICY_DIGEST, TAG_DIGEST = 8, 4
"""Characters of a digest: 20 policies, or 50 tags, of one identity fit into one value."""


def marked(region: str, facts: IdentityFacts) -> Inventory:
    """Return the settings, policies and tag keys of an identity that were set here, by its own tags."""
    settings, policies, tags = (names_in(facts.tags, mark) for mark in (SETTINGS_MARK, POLICIES_MARK, TAGS_MARK))
    selector = own_selector(facts)
    selectors = {selector_setting(selector)} if selector and _selector_mark(selector) in settings else set[str]()
    memories = {setting.memory for setting in SETTINGS if setting.memory}
    return Inventory(
        settings=frozenset({f"{memory}/{region}" for memory in memories & settings} | selectors),
        policies=frozenset(f"{region}/{name}" for name in facts.policies if digest(name, POLICY_DIGEST) in policies),
        tag_keys=frozenset(key for key in facts.tags or {} if digest(key, TAG_DIGEST) in tags),
    )


def known_in(region: str, facts: IdentityFacts, inventory: Inventory) -> Inventory:
    """Return the inventory with what the identity itself says was set here, in place of what the annotation says."""
    found = marked(region, facts)
    return replace(inventory, settings=found.settings, policies=found.policies, tag_keys=found.tag_keys)


def wanted_marks(desired: Desired, region: str, facts: IdentityFacts) -> dict[str, str]:
    """Return the mark tags that the identity is to have: of what the spec names, and of what is still to be reset."""
    known = marked(region, facts)
    values = {
        SETTINGS_MARK: value_of(_settings(desired, region, facts)),
        POLICIES_MARK: value_of(digest(name, POLICY_DIGEST) for name in _policies(desired, region, facts, known)),
        TAGS_MARK: value_of(digest(key, TAG_DIGEST) for key in _tag_keys(desired, known)),
    }
    return {tag: value for tag, value in values.items() if value}


def first_marks(desired: Desired, region: str) -> dict[str, str]:
    """Return the mark tags that the identity is created with."""
    dkim = DkimFacts(VerificationStatus.PENDING, signing_enabled=True, tokens=(), signing_hosted_zone="")
    return wanted_marks(desired, region, IdentityFacts(VerificationStatus.PENDING, dkim))


def is_marked(desired: Desired, region: str, facts: IdentityFacts) -> bool:
    """Return True if every mark is there that has to be before anything is set."""
    found = facts.tags or {}
    return all(
        set(value.split()) <= set(found.get(tag, "").split())
        for tag, value in wanted_marks(desired, region, facts).items()
    )


def surplus_marks(desired: Desired, region: str, facts: IdentityFacts) -> tuple[str, ...]:
    """Return the mark tags that name nothing any more."""
    return tuple(sorted((MARK_TAGS & (facts.tags or {}).keys()) - wanted_marks(desired, region, facts).keys()))


def has_mark(policy: str, marks: Mapping[str, str]) -> bool:
    """Return True if the policy of this name is the operator's by its name, or by these marks."""
    return policy == GENERATED_POLICY or digest(policy, POLICY_DIGEST) in names_in(marks, POLICIES_MARK)


def _settings(desired: Desired, region: str, facts: IdentityFacts) -> Iterable[str]:
    before = names_in(facts.tags, SETTINGS_MARK)
    for setting in SETTINGS:
        if not setting.memory:
            continue
        left = setting.memory in before and setting.found(facts) != setting.reset_to
        if setting.wanted(desired, region) is not UNMANAGED or left:
            yield setting.memory
    selector = own_selector(facts)
    if selector and _selector_mark(selector) in before:
        yield _selector_mark(selector)
    if isinstance(desired.dkim, OwnKey | MissingKey):
        yield _selector_mark(desired.dkim.selector)


def _policies(desired: Desired, region: str, facts: IdentityFacts, known: Inventory) -> Iterable[str]:
    """Yield those that are there and were set here, then those that are to be made: none that exists and was not."""
    yield from sorted(name for name in facts.policies if f"{region}/{name}" in known.policies)
    for wanted in desired.policies.get(region, ()):
        if wanted.name != GENERATED_POLICY and wanted.name not in facts.policies and not wanted.fault:
            yield wanted.name


def _tag_keys(desired: Desired, known: Inventory) -> Iterable[str]:
    yield from sorted(known.tag_keys - MARK_TAGS)
    yield from sorted(desired.user_tags.keys() - known.tag_keys)


def _selector_mark(selector: str) -> str:
    return selector_setting(digest(selector.lower(), POLICY_DIGEST))
