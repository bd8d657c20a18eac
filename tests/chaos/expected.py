"""What SES, DNS and status must be for a spec, worked out from the spec alone and without any code of the operator. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chaos.cast import INSTALLATION, TAG_KEYS, Provider, Role, Spec

OWNER_TAG = "ses-operator.io/owner"
SENDERS = "ses-operator-authorized-senders"
OTHERS_POLICY = "others"
"""A policy that others put on our identities."""

HELD = ("Ready", "Accepted", "Provisioned", "Verified")
HELD_OF_DOMAINS = ("DNSPublished", "DKIMVerified")
Found = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """What there is. ``at_ses``: of the identity, by region. ``topics``: likewise. ``records``: of its zone."""

    manifest: Found | None
    at_ses: Mapping[str, Found]
    topics: Mapping[str, Found]
    records: Mapping[tuple[str, str], tuple[str, ...]]


def differences(role: Role, spec: Spec, world: World) -> list[str]:
    """Return what is not as the spec says; empty where all is."""
    found = [*_of_status(role, spec, world.manifest)]
    left = (region for region in sorted(set(world.at_ses) - set(spec["regions"])))
    found += [f"{region}: it is still there" for region in left if _owner(world.at_ses[region]) == owner(role)]
    for region in spec["regions"]:
        at_ses = world.at_ses.get(region)
        if at_ses is None:
            found.append(f"{region}: SES has no such identity")
        else:
            found += [
                f"{region}: {text}" for text in _of_region(role, spec, region, at_ses, world.topics.get(region, {}))
            ]
    if not role.is_address:
        found += _of_dns(role, spec, world)
    return found


def owner(role: Role) -> str:
    return f"{INSTALLATION}/{role.key}"


def _owner(found: Found) -> str | None:
    return _tags(found).get(OWNER_TAG)


def _tags(found: Found) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}


def _compare(name: str, is_: Any, wanted: Any) -> Iterator[str]:
    if is_ != wanted:
        yield f"{name} is {is_!r}, not {wanted!r}"


def _override(spec: Spec, region: str) -> Spec:
    return next((each for each in spec.get("regionOverrides") or () if each["region"] == region), {})


def _of_region(role: Role, spec: Spec, region: str, found: Found, topics: Found) -> Iterator[str]:
    override = _override(spec, region)
    tags = _tags(found)
    yield from _compare("the owner", tags.get(OWNER_TAG), owner(role))
    yield from _compare("tags", {key: tags[key] for key in TAG_KEYS if key in tags}, spec.get("tags") or {})
    wanted_set = override.get("configurationSetName") or spec.get("configurationSetName")
    yield from _compare("the configuration set", found.get("ConfigurationSetName"), wanted_set)
    forwarding = (spec.get("feedback") or {}).get("emailForwardingEnabled", True)
    yield from _compare("forwarding", found.get("FeedbackForwardingStatus", False), forwarding)
    yield from _compare("topics", _topics(topics), _wanted_topics(override))
    yield from _compare("policies", _policies(found), _wanted_policies(spec))
    yield from _compare("verification", found["VerificationStatus"], "SUCCESS")
    if not role.is_address:
        yield from _of_domain(role, spec, region, found)


def _of_domain(role: Role, spec: Spec, region: str, found: Found) -> Iterator[str]:
    key, dkim = spec.get("dkim") or {"mode": "Easy"}, found["DkimAttributes"]
    parent = (key.get("deterministic") or {}).get("parentRegion")
    origin = "AWS_SES"
    if key["mode"] == "BYODKIM":
        origin = "EXTERNAL"
        yield from _compare("the selector", dkim["Tokens"], [key["byodkim"]["selector"]])
    elif parent not in (None, region):
        origin = f"AWS_SES_{parent.upper().replace('-', '_')}"
    yield from _compare("the origin of the key", dkim["SigningAttributesOrigin"], origin)
    yield from _compare("DKIM", dkim["Status"], "SUCCESS")
    yield from _compare("signing", dkim["SigningEnabled"], key.get("signingEnabled", True))
    mail_from = found.get("MailFromAttributes", {})
    wanted = mail_from_domain(role, spec, region)
    yield from _compare("MAIL FROM", mail_from.get("MailFromDomain"), wanted)
    if wanted is not None:
        yield from _compare("the status of MAIL FROM", mail_from.get("MailFromDomainStatus"), "SUCCESS")


def mail_from_domain(role: Role, spec: Spec, region: str) -> str | None:
    """Return the MAIL FROM domain of a region."""
    wanted = spec.get("mailFrom")
    if wanted is None:
        return None
    label = wanted["subdomain"] if wanted["scope"] == "Shared" else f"{wanted['subdomain']}-{region}"
    return f"{label}.{role.domain}"


def _topics(found: Found) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value and name != "ForwardingEnabled"}


def _wanted_topics(override: Spec) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for kind, topic in ((override.get("feedback") or {}).get("topics") or {}).items():
        wanted[f"{kind.capitalize()}Topic"] = topic["topicARN"]
        if topic.get("includeHeaders"):
            wanted[f"HeadersIn{kind.capitalize()}NotificationsEnabled"] = True
    return wanted


def _policies(found: Found) -> dict[str, list[Any]]:
    """Return of each policy what it does, and for whom."""
    policies = found.get("Policies", {}).items()
    return {name: _meaning(json.loads(text)) for name, text in policies if name != OTHERS_POLICY}


def _meaning(document: Found) -> list[Any]:
    return sorted(
        [each["Effect"], json.dumps(each["Principal"]).count("root"), _root(each)] for each in document["Statement"]
    )


def _root(statement: Found) -> str:
    principal = statement["Principal"]["AWS"]
    return str(principal if isinstance(principal, str) else principal[0])


def _wanted_policies(spec: Spec) -> dict[str, list[Any]]:
    wanted = {each["name"]: _meaning(each["document"]) for each in spec.get("policies") or ()}
    senders = spec.get("authorizedSenders") or ()
    if senders:
        wanted[SENDERS] = sorted(["Allow", 1, sender["principals"][0]] for sender in senders)
    return wanted


def _of_dns(role: Role, spec: Spec, world: World) -> Iterator[str]:
    """The records that SES asks for are served, and no others of ours are."""
    records = {key for key in world.records if f".{key[0]}".endswith(f".{role.domain}")}
    wanted = set(_wanted_records(role, spec, world))
    ledger = {(f"_ses-operator.{role.domain}", "TXT")} if role.provider is Provider.ROUTE53 else set()
    for name, kind in sorted(wanted | ledger):
        if (name, kind) not in records:
            yield f"{kind} {name} is not in {role.zone}"


def leftovers(role: Role, spec: Spec, world: World, others: frozenset[tuple[str, str]]) -> list[str]:
    """Return the records at and below a domain that nothing asks for. ``others``: those of others, or of other identities."""
    wanted = set(_wanted_records(role, spec, world)) | others | {(f"_ses-operator.{role.domain}", "TXT")}
    records = {key for key in world.records if f".{key[0]}".endswith(f".{role.domain}")}
    return [f"{kind} {name} is left in {role.zone}" for name, kind in sorted(records - wanted)]


def _wanted_records(role: Role, spec: Spec, world: World) -> Iterator[tuple[str, str]]:
    for region in spec["regions"]:
        dkim = world.at_ses.get(region, {}).get("DkimAttributes", {})
        kind = "TXT" if dkim.get("SigningAttributesOrigin") == "EXTERNAL" else "CNAME"
        yield from ((f"{token}._domainkey.{role.domain}", kind) for token in dkim.get("Tokens", ()))
        if (name := mail_from_domain(role, spec, region)) is not None:
            yield name, "MX"
            yield name, "TXT"
    if spec.get("dmarc"):
        yield f"_dmarc.{role.domain}", "TXT"


def _of_status(role: Role, spec: Spec, manifest: Found | None) -> Iterator[str]:
    if manifest is None:
        yield "the object is not there"
        return
    status = manifest.get("status", {})
    yield from _compare("observedGeneration", status.get("observedGeneration"), manifest["metadata"]["generation"])
    conditions = {each["type"]: each for each in status.get("conditions", ())}
    held = [
        *HELD,
        *(() if role.is_address else HELD_OF_DOMAINS),
        *(("MailFromVerified",) if spec.get("mailFrom") else ()),
    ]
    for kind in held:
        condition = conditions.get(kind, {"status": None, "reason": None, "message": "missing"})
        if condition["status"] != "True":
            yield f"{kind} is {condition['status']} {condition['reason']}: {condition['message']}"
    yield from (
        f"{kind} is there: {conditions[kind]['message']}" for kind in ("Reconciling", "Stalled") if kind in conditions
    )
    regions = [each["region"] for each in status.get("regions", ())]
    yield from _compare("the regions of status", sorted(regions), sorted(spec["regions"]))


def ready_of(manifest: Found | None) -> dict[str, Any] | None:
    """Return the condition Ready of an object; None if it has none."""
    conditions: list[dict[str, Any]] = ((manifest or {}).get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == "Ready"), None)
