"""Who is on the stage: our identities with what they may become, and what others have beside them. The same in every run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

Spec = dict[str, Any]

INSTALLATION = "chaos"
ZONE, ENDPOINT_ZONE, MANUAL_ZONE = "example.com", "example.net", "example.org"
REGIONS = ("ap-southeast-2", "eu-west-1", "us-east-1")
SETS = ("bulk", "news")
SELECTORS = ("s1", "s2")
TAG_KEYS = ("stage", "team")
PARTNER, OTHER = "arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"
TENANT_A, TENANT_B, HOSTILE = "team-a", "team-b", "team-x"
NAMESPACES = (TENANT_A, TENANT_B, HOSTILE)
ENDPOINT_LABELS = {"dns": "chaos"}


class Provider(StrEnum):
    """Who publishes the records of an identity."""

    ROUTE53 = "Route53"
    ENDPOINT = "DNSEndpoint"
    MANUAL = "Manual"


class Dkim(StrEnum):
    """The keys that an identity goes between: SES lets nothing become a replica, or a replica anything else."""

    EASY = "Easy"
    OWN = "BYODKIM"
    EITHER = "Easy or BYODKIM"
    REPLICATED = "Deterministic"


@dataclass(frozen=True)
class Role:
    """One of our identities. ``domain`` is an address if it contains an @."""

    namespace: str
    name: str
    domain: str
    provider: Provider = Provider.ROUTE53
    dkim: Dkim = Dkim.EASY

    @property
    def key(self) -> str:
        """Namespace and name, as the owner tag and the schedule write them."""
        return f"{self.namespace}/{self.name}"

    @property
    def is_address(self) -> bool:
        """True for an email address, which has no records."""
        return "@" in self.domain

    @property
    def zone(self) -> str:
        """The hosted zone that its records are served from."""
        zones = {Provider.ROUTE53: ZONE, Provider.ENDPOINT: ENDPOINT_ZONE, Provider.MANUAL: MANUAL_ZONE}
        return zones[self.provider]


ROLES = (
    Role(TENANT_A, "easy", f"easy.{ZONE}"),
    Role(TENANT_A, "keys", f"keys.{ZONE}", dkim=Dkim.EITHER),
    Role(TENANT_A, "replicated", f"replicated.{ZONE}", dkim=Dkim.REPLICATED),
    Role(TENANT_B, "deep", f"deep.easy.{ZONE}"),
    Role(TENANT_B, "endpoint", f"endpoint.{ENDPOINT_ZONE}", Provider.ENDPOINT),
    Role(TENANT_B, "manual", f"manual.{MANUAL_ZONE}", Provider.MANUAL, Dkim.EITHER),
    Role(TENANT_B, "address", f"billing@easy.{ZONE}"),
)
BY_KEY: Mapping[str, Role] = {role.key: role for role in ROLES}


def random_spec(role: Role, random: Random) -> Spec:
    """Return a spec that the role may have; null for what is left out, so that as a merge patch it makes any other into it."""
    fixed = Random(role.key)  # noqa: S311 - regions change rarely: SES does not let replicas move
    regions = sorted(fixed.sample(REGIONS, 2))
    if role.dkim is not Dkim.REPLICATED and random.random() < 0.5:
        regions = sorted(random.sample(REGIONS, random.randint(1, 2)))
    spec: Spec = {
        "domain" if not role.is_address else "email": role.domain,
        "regions": regions,
        "accountRef": {"name": "default"},
        "tags": random.choice([None, {"team": "a"}, {"team": "b", "stage": "x"}, {"stage": "y"}]),
        "configurationSetName": random.choice([None, *SETS]),
        "feedback": random.choice([None, {"emailForwardingEnabled": True}, {"emailForwardingEnabled": False}]),
        "authorizedSenders": random.choice(
            [None, *([{"name": "partner", "principals": [who]}] for who in (PARTNER, OTHER))]
        ),
        "policies": random.choice([None, *([_policy(effect)] for effect in ("Allow", "Deny"))]),
        "regionOverrides": _overrides(regions[0], random),
    }
    if not role.is_address:
        spec |= _of_domain(role, regions, random)
    return spec


def _of_domain(role: Role, regions: list[str], random: Random) -> Spec:
    names = [
        None,
        *({"subdomain": name, "scope": scope} for name in ("bounce", "mx") for scope in ("PerRegion", "Shared")),
    ]
    return {
        "mailFrom": random.choice(names),
        "dmarc": random.choice([None, {"policy": "none"}, {"policy": "reject"}]),
        "dkim": _key(role, regions, random),
        "dns": _dns(role),
    }


def _key(role: Role, regions: list[str], random: Random) -> Spec | None:
    signs = random.random() < 0.8
    if role.dkim is Dkim.REPLICATED:
        return {
            "mode": "Deterministic",
            "signingEnabled": signs,
            "deterministic": {"parentRegion": regions[0]},
            "byodkim": None,
        }
    if role.dkim is Dkim.OWN or (role.dkim is Dkim.EITHER and random.random() < 0.6):
        selector = random.choice(SELECTORS)
        own = {"selector": selector, "privateKeySecretRef": {"name": selector}}
        return {"mode": "BYODKIM", "signingEnabled": signs, "byodkim": own, "deterministic": None}
    return {"mode": "Easy", "signingEnabled": signs, "byodkim": None, "deterministic": None}


def _dns(role: Role) -> Spec:
    return {
        "provider": role.provider,
        "ttl": 60,
        "route53": {"zoneRef": {"name": "main"}} if role.provider is Provider.ROUTE53 else None,
        "dnsEndpoint": {"labels": ENDPOINT_LABELS} if role.provider is Provider.ENDPOINT else None,
    }


def _policy(effect: str) -> Spec:
    statement = {"Effect": effect, "Principal": {"AWS": OTHER}, "Action": "ses:SendEmail"}
    return {"name": "audit", "document": {"Version": "2012-10-17", "Statement": [statement]}}


def _overrides(region: str, random: Random) -> list[Spec] | None:
    topic = {"topicARN": f"arn:aws:sns:{region}:123456789012:mail"}
    return random.choice(
        [
            None,
            [{"region": region, "configurationSetName": SETS[1]}],
            [{"region": region, "feedback": {"topics": {"bounce": topic}}}],
            [
                {
                    "region": region,
                    "feedback": {"topics": {"complaint": {**topic, "includeHeaders": True}, "delivery": topic}},
                }
            ],
        ]
    )


# --- what others have

UNOWNED, FOREIGN = f"legacy.{ZONE}", f"theirs.{ZONE}"
"""An identity without an owner, and one of another installation. In our namespaces, SesIdentities claim both."""

FOREIGN_OWNER = "other/team-o/mail"
CLAIMS: Mapping[str, str] = {f"{TENANT_B}/legacy": UNOWNED, f"{TENANT_B}/theirs": FOREIGN}
CLAIMED_REGIONS = (REGIONS[0], REGIONS[1])


def claim_spec(domain: str) -> Spec:
    """Return the spec of a SesIdentity for what others have: it must not be touched, whatever it asks for."""
    return {
        "domain": domain,
        "regions": list(CLAIMED_REGIONS),
        "accountRef": {"name": "default"},
        "adoptionPolicy": "Never",
        "mailFrom": {"subdomain": "bounce", "scope": "PerRegion"},
        "dmarc": {"policy": "reject"},
        "configurationSetName": SETS[0],
        "tags": {"team": "b"},
        "policies": [_policy("Allow")],
        "authorizedSenders": [{"name": "partner", "principals": [PARTNER]}],
        "dns": {"provider": "Route53", "ttl": 60, "route53": {"zoneRef": {"name": "main"}}},
    }


def foreign_records() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the record sets of others in our zone, by name and type."""
    return {
        (ZONE, "MX"): ("10 mail.example.net.",),
        (ZONE, "TXT"): ('"google-site-verification=abc"',),
        (f"www.{ZONE}", "CNAME"): ("web.example.net.",),
        (f"old._domainkey.{ZONE}", "CNAME"): ("old.dkim.amazonses.com.",),
        (f"bounce.{ZONE}", "MX"): ("10 feedback-smtp.eu-west-1.amazonses.com.",),
        (f"easy.{ZONE}", "TXT"): ('"site-verification=easy"',),
        (f"www.easy.{ZONE}", "A"): ("192.0.2.7",),
        (f"k1._domainkey.keys.{ZONE}", "TXT"): ('"v=DKIM1; k=rsa; p=AAAA"',),
        (f"_dmarc.{UNOWNED}", "TXT"): ('"v=DMARC1; p=none"',),
        (f"_ses-operator.{FOREIGN}", "TXT"): (f'"heritage=ses-operator,owner={FOREIGN_OWNER}"',),
        (f"bounce.{FOREIGN}", "MX"): ("10 feedback-smtp.eu-west-1.amazonses.com.",),
    }


def foreign_policy(domain: str, region: str) -> str:
    """Return a sending policy of others, of the name that our claim wants too."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999988887777:root"},
        "Action": "ses:SendEmail",
        "Resource": f"arn:aws:ses:{region}:123456789012:identity/{domain}",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def hostile_domains() -> frozenset[str]:
    """Return the domains of the hostile tenant: they are its own, as long as no other tenant has them."""
    below = {f"{label}{number}.hostile.{ZONE}" for label in ("deep", "many", "made", "text") for number in range(3)}
    return frozenset({ZONE, *below, *(f"silent{number}.invalid.example" for number in range(3))})


def is_the_forgers(name: str, kind: str) -> bool:
    """Return True for what is left of the tenant that has overwritten its own ledger with a forged one."""
    return (name, kind) == (f"_ses-operator.{ZONE}", "TXT") or name.partition(".")[2] == f"_domainkey.{ZONE}"
