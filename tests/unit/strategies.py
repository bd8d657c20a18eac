"""Random specs and accounts, within what the API allows."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from hypothesis import strategies as st

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.identity.dmarc import Alignment, DmarcPolicy
from ses_operator.api.identity.kind import AdoptionPolicy, DeletionPolicy
from ses_operator.api.identity.sending import GENERATED_POLICY
from ses_operator.core.model.dkim_source import DkimChoice, EasyDkim, NoDkim, OwnKey, PrivateKey
from ses_operator.core.model.dmarc import Dmarc
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.policy_documents import WantedPolicy
from ses_operator.core.model.ses import NotificationType, Topic, Topics
from ses_operator.core.state.desired import Desired, MailFrom, MailFromBehavior

DOMAIN = "mail.example.com"
OWNER = Owner("test", ObjectKey("team-a", "mail"))
REGIONS = ("ap-south-2", "eu-west-1", "us-east-1", "us-west-2")


REPORT_ADDRESSES = ("mailto:dmarc@example.com", "mailto:d@reports.example.net", "mailto:D%2Bx@example.org!10m")


def dmarcs() -> st.SearchStrategy[Dmarc]:
    """Any DMARC policy."""
    addresses = st.lists(st.sampled_from(REPORT_ADDRESSES), unique=True).map(tuple)
    return st.builds(
        Dmarc,
        policy=st.sampled_from(DmarcPolicy),
        subdomain_policy=st.none() | st.sampled_from(DmarcPolicy),
        percentage=st.integers(0, 100),
        dkim=st.sampled_from(Alignment),
        spf=st.sampled_from(Alignment),
        rua=addresses,
        ruf=addresses,
    )


def topics() -> st.SearchStrategy[Topics]:
    """SNS topics of one region."""
    topic = st.builds(Topic, st.sampled_from(["arn:aws:sns:eu-west-1:123456789012:a", "arn:b"]), st.booleans())
    return st.dictionaries(st.sampled_from(NotificationType), topic)


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


MAIL_FROM_STYLES = ("", "bounce", "mx", "bounce-{region}", "mx-{region}")
"""Subdomains of MAIL FROM: none, one that all regions share, one for each region."""


def mail_from(style: str, behavior: MailFromBehavior, regions: tuple[str, ...], first: str) -> dict[str, MailFrom]:
    """MAIL FROM by region, in one of the styles; ``first`` of the regions has the MX of a name that is shared."""
    if not style:
        return {}
    shared = "{region}" not in style
    return {r: MailFrom(f"{style.format(region=r)}.{DOMAIN}", behavior, first if shared else r) for r in regions}


@st.composite
def desires(draw: st.DrawFn) -> Desired:
    """What one SesIdentity may ask for: always the same owner and domain, anything else at random."""
    regions = tuple(sorted(draw(st.sets(st.sampled_from(REGIONS), min_size=1))))
    first = draw(st.sampled_from(regions))
    behavior = draw(st.sampled_from(MailFromBehavior))
    tags = draw(st.dictionaries(st.sampled_from(["team", "cost-centre", "stage"]), st.sampled_from(["a", "b"])))
    policies = draw(st.sampled_from(POLICY_VERSIONS))
    return Desired(
        owner=OWNER,
        identity=DOMAIN,
        regions=regions,
        signing_enabled=draw(st.booleans()),
        dkim=draw(st.sampled_from(DKIM)),
        mail_from=mail_from(draw(st.sampled_from(MAIL_FROM_STYLES)), behavior, regions, first),
        first_region=first,
        configuration_set_name=draw(st.sampled_from([None, "default", "bulk"])),
        tags={**tags, OWNER_TAG: str(OWNER)},
        provider=DnsProvider.ROUTE53,
        ttl=draw(st.sampled_from([60, 300])),
        adoption=draw(st.sampled_from(AdoptionPolicy)),
        deletion=DeletionPolicy.DELETE,
        dmarc=draw(st.none() | dmarcs()),
        policies={r: tuple(policy(name, r, version) for name, version in policies.items()) for r in regions},
        feedback_forwarding=draw(st.none() | st.booleans()),
        configuration_set_overrides=draw(st.dictionaries(st.sampled_from(regions), st.sampled_from(["eu", "us"]))),
        topics=draw(st.dictionaries(st.sampled_from(regions), topics())),
    )


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
    )
    return replace(base, **changes)  # type: ignore[arg-type]
