"""Random specs and accounts, within what the API allows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import combinations, permutations, product
from typing import Any, TypeVar

from hypothesis import Phase, find, settings
from hypothesis import strategies as st

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.identity.dmarc import Alignment, DmarcPolicy
from ses_operator.api.identity.kind import AdoptionPolicy, DeletionPolicy
from ses_operator.api.identity.sending import GENERATED_POLICY
from ses_operator.core.model.dkim_source import DkimChoice, EasyDkim, NoDkim, OwnKey, PrivateKey
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.name_rights import NameRights
from ses_operator.core.model.policies.policy_documents import WantedPolicy
from ses_operator.core.model.record_values.dmarc import Dmarc
from ses_operator.core.model.ses import NotificationType, Topic, Topics
from ses_operator.core.state.desired import Desired, MailFrom, MailFromBehavior
from ses_operator.core.state.setting import UNMANAGED, Setting

_K = TypeVar("_K")
_V = TypeVar("_V")

DOMAIN = "mail.example.com"
OWNER = Owner("test", ObjectKey("team-a", "mail"))
REGIONS = ("ap-south-2", "eu-west-1", "us-east-1", "us-west-2")


REPORT_ADDRESSES = ("mailto:dmarc@example.com", "mailto:d@reports.example.net", "mailto:D%2Bx@example.org!10m")


# Made once, and of few choices: what an example costs is the number of its choices, and of strategies made for it.


def _some(keys: Iterable[_K], values: Iterable[_V]) -> list[dict[_K, _V]]:
    """All dictionaries of some of these keys with these values, the empty one first."""
    keys, choices = tuple(keys), (None, *values)
    return [
        {key: value for key, value in zip(keys, chosen, strict=True) if value is not None}
        for chosen in product(choices, repeat=len(keys))
    ]


_addresses = st.sampled_from([each for size in range(4) for each in permutations(REPORT_ADDRESSES, size)])
_dmarcs = st.builds(
    Dmarc,
    policy=st.sampled_from(DmarcPolicy),
    subdomain_policy=st.sampled_from([None, *DmarcPolicy]),
    percentage=st.integers(0, 100),
    dkim=st.sampled_from(Alignment),
    spf=st.sampled_from(Alignment),
    rua=_addresses,
    ruf=_addresses,
)
TOPICS = [Topic(arn, headers) for arn in ("arn:aws:sns:eu-west-1:123456789012:a", "arn:b") for headers in (False, True)]
_topics = st.sampled_from(_some(NotificationType, TOPICS))


def dmarcs() -> st.SearchStrategy[Dmarc]:
    """Any DMARC policy."""
    return _dmarcs


def topics() -> st.SearchStrategy[Topics]:
    """SNS topics of one region."""
    return _topics


POLICY_NAMES = (GENERATED_POLICY, "partner", "audit")


POLICY_VERSIONS: tuple[dict[str, str], ...] = (
    {},
    {GENERATED_POLICY: "a"},
    {"partner": "a"},
    {GENERATED_POLICY: "b", "partner": "a", "audit": "a"},
    {"partner": "b", "audit": "a"},
)
"""Which policies a spec may ask for, in which version."""


def policy(name: str, region: str, version: str) -> WantedPolicy:
    """A policy as it is wanted in a region; versions differ."""
    return WantedPolicy(name, f'{{"Id":"{region}-{version}"}}')


def own_key(selector: str, letter: str) -> OwnKey:
    """A key pair of the customer's, as far as plans look at it."""
    return OwnKey(selector, b64encode(letter.encode()).decode(), PrivateKey(f"private {letter}"))


DKIM: tuple[DkimChoice, ...] = (EasyDkim(1024), EasyDkim(2048), own_key("s1", "a"), own_key("s2", "b"))
"""Where one SesIdentity may ask for the DKIM key to come from."""


CONFIGURATION_SETS = ("default", "bulk", "eu", "us")
"""Two for all regions, and two for single ones."""

MAIL_FROM_STYLES = ("", "bounce", "mx", "bounce-{region}", "mx-{region}")
"""Subdomains of MAIL FROM: none, one that all regions share, one for each region."""


def mail_from(style: str, behavior: MailFromBehavior, regions: tuple[str, ...], first: str) -> dict[str, MailFrom]:
    """MAIL FROM by region, in one of the styles; ``first`` of the regions has the MX of a name that is shared."""
    if not style:
        return {}
    shared = "{region}" not in style
    return {r: MailFrom(f"{style.format(region=r)}.{DOMAIN}", behavior, first if shared else r) for r in regions}


def _desired(
    regions: tuple[str, ...],
    first: int,
    mail_from_as: tuple[str, MailFromBehavior],
    tags: dict[str, str],
    versions: dict[str, str],
    overrides: dict[str, str],
    topics: tuple[Topics | None, ...],
    **others: Any,
) -> Desired:
    first_region = regions[first % len(regions)]
    return Desired(
        owner=OWNER,
        identity=DOMAIN,
        regions=regions,
        mail_from=mail_from(*mail_from_as, regions, first_region),
        first_region=first_region,
        rights=NameRights(DOMAIN),
        tags={**tags, OWNER_TAG: str(OWNER)},
        provider=DnsProvider.ROUTE53,
        deletion=DeletionPolicy.DELETE,
        policies={r: tuple(policy(name, r, version) for name, version in versions.items()) for r in regions},
        configuration_set_overrides={r: name for r, name in overrides.items() if r in regions},
        topics={r: each for r, each in zip(REGIONS, topics, strict=True) if each is not None and r in regions},
        **others,
    )


_desires = st.builds(
    _desired,
    regions=st.sampled_from([each for size in range(1, 5) for each in combinations(REGIONS, size)]),
    first=st.integers(0, len(REGIONS) - 1),
    mail_from_as=st.sampled_from([*product(MAIL_FROM_STYLES, MailFromBehavior)]),
    tags=st.sampled_from(_some(["team", "cost-centre", "stage"], ["a", "b"])),
    versions=st.sampled_from(POLICY_VERSIONS),
    overrides=st.sampled_from(_some(REGIONS, CONFIGURATION_SETS[2:])),
    topics=st.tuples(*(st.none() | _topics for _ in REGIONS)),
    signing_enabled=st.booleans(),
    dkim=st.sampled_from(DKIM),
    configuration_set_name=st.sampled_from([None, *CONFIGURATION_SETS[:2]]),
    ttl=st.sampled_from([60, 300]),
    adoption=st.sampled_from(AdoptionPolicy),
    dmarc=st.none() | _dmarcs,
    feedback_forwarding=st.sampled_from([None, False, True]),
)


def desires() -> st.SearchStrategy[Desired]:
    """What one SesIdentity may ask for: always the same owner and domain, anything else at random."""
    return _desires


ADDRESS = "Billing@example.com"


def addresses() -> st.SearchStrategy[Desired]:
    """What one SesIdentity may ask for of an address, with a template of its own and without."""
    return st.builds(_of_address, desires(), st.sampled_from([None, "welcome-0123456789abcdef"]))


def _of_address(desired: Desired, template: str | None) -> Desired:
    return replace(
        desired,
        identity=ADDRESS,
        dkim=NoDkim(),
        mail_from={},
        dmarc=None,
        provider=DnsProvider.MANUAL,
        verification_template=template,
    )


def wanted_address(**changes: object) -> Desired:
    """One address in one region; ``changes`` replace fields."""
    return replace(_of_address(wanted(), None), **changes)  # type: ignore[arg-type]


def wanted(**changes: object) -> Desired:
    """One region, Easy DKIM, nothing else; ``changes`` replace fields."""
    base = Desired(
        owner=OWNER,
        identity=DOMAIN,
        regions=("eu-west-1",),
        signing_enabled=True,
        dkim=EasyDkim(2048),
        mail_from={},
        configuration_set_name=None,
        tags={OWNER_TAG: str(OWNER)},
        provider=DnsProvider.ROUTE53,
        ttl=300,
        adoption=AdoptionPolicy.NEVER,
        deletion=DeletionPolicy.DELETE,
        rights=NameRights(DOMAIN),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def wanted_value(setting: Setting[Any], desired: Desired) -> Any:
    """The first value that a spec asks for in one of its regions."""
    values = (setting.wanted(desired, region) for region in desired.regions)
    return next((value for value in values if value is not UNMANAGED), UNMANAGED)


@cache
def asking_for(setting: Setting[Any]) -> Desired:
    """A spec with a value other than that which SES begins with. The strategy for specs has to know of each setting."""
    as_it_comes = settings(phases=[Phase.generate], database=None)
    return find(
        desires(),
        lambda desired: wanted_value(setting, desired) not in (UNMANAGED, setting.reset_to),
        settings=as_it_comes,
    )


def asked_for(setting: Setting[Any]) -> Any:
    """The value that this spec asks for."""
    return wanted_value(setting, asking_for(setting))
