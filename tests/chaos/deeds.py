"""How each kind of action is carried out, and how what lasts is ended."""

from __future__ import annotations

import base64
import hashlib
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chaos.cast import BY_KEY, CLAIMS, HOSTILE, INSTALLATION, OTHER, SETS, ZONE, Provider, foreign_policy
from chaos.schedule import OVERWRITTEN, Action, Drift, Hostility, Kind
from chaos.stage import Stage
from devcluster.apiclient import ApiError
from devcluster.binaries import Part
from devcluster.proxy import Cut

End = Callable[[], bool | None]
"""Ends what lasts. False: not yet, try again later."""

REFUSED = (ClientError, BotoCoreError, ApiError)
"""What others or hostile tenants try may be refused: nothing follows from that."""


def carry_out(stage: Stage, action: Action) -> End | None:
    """Carry an action out; return what ends it, if it lasts."""
    return DEEDS[action.kind](stage, action)


def _fault(stage: Stage, action: Action) -> End:
    number = stage.sandbox.ask("faults", dict(action.details))["id"]

    def end() -> None:
        if any(active["id"] == number for active in stage.sandbox.ask("faults")["faults"]):
            with suppress(OSError):  # it has fired for the last time meanwhile
                stage.sandbox.ask(f"faults/{number}", method="DELETE")

    return end


def _kill(stage: Stage, action: Action) -> None:
    stage.replicas[action.target].signal(signal.SIGKILL)


def _terminate(stage: Stage, action: Action) -> None:
    stage.replicas[action.target].signal(signal.SIGTERM)


def _freeze(stage: Stage, action: Action) -> End:
    replica = stage.replicas[action.target]
    replica.signal(signal.SIGSTOP)
    return lambda: replica.signal(signal.SIGCONT)


def _cut(stage: Stage, action: Action) -> End:
    replica = stage.replicas[action.target]
    replica.proxy.cut(Cut[action.details["how"]])
    return replica.proxy.restore


def _restart(part: Part) -> Callable[[Stage, Action], None]:
    def restart(stage: Stage, _: Action) -> None:
        stage.plane.restart(part)

    return restart


def _change_spec(stage: Stage, action: Action) -> None:
    if (first := stage.specs.get(action.target)) is not None:
        stage.specs[action.target] = action.details["spec"]
        stage.patch(action.target, {"spec": _merge_patch(first, action.details["spec"])})


def _merge_patch(first: Any, second: Any) -> Any:
    """Return what makes the first into the second (RFC 7386)."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return second
    return {key: _merge_patch(first.get(key), second.get(key)) for key in first.keys() | second.keys()}


def _delete_object(stage: Stage, action: Action) -> End | None:
    if stage.specs.pop(action.target, None) is None:
        return None
    stage.delete(action.target)

    def create_again() -> bool:
        if stage.get(action.target) is not None:
            return False
        stage.create(action.target, action.details["spec"])
        stage.specs[action.target] = action.details["spec"]
        return True

    return create_again


def _reconcile(stage: Stage, action: Action) -> None:
    stage.patch(
        action.target, {"metadata": {"annotations": {"ses-operator.io/reconcile-requested-at": f"{action.number}"}}}
    )


def _lose_status(stage: Stage, action: Action) -> None:
    found = stage.get(action.target)
    if found is not None and found.get("status"):
        stage.patch(action.target, {"status": dict.fromkeys(found["status"])}, "/status")


def _lose_annotations(stage: Stage, action: Action) -> None:
    found = stage.get(action.target)
    if found is not None and (names := found["metadata"].get("annotations")):
        stage.patch(action.target, {"metadata": {"annotations": dict.fromkeys(names)}})


def _drift_setting(stage: Stage, action: Action) -> None:
    role, region = BY_KEY[action.target], action.details["region"]
    if action.details["void"] or (role.is_address and action.details["what"] in (Drift.MAIL_FROM, Drift.SIGNING)):
        return
    with suppress(*REFUSED):
        if action.details["what"] is Drift.POLICY and role.key not in OVERWRITTEN:
            stage.ses(region).delete_email_identity_policy(EmailIdentity=role.domain, PolicyName="audit")
        else:
            DRIFTS[action.details["what"]](stage.ses(region), role.domain, region)


def _drift_tags(ses: Any, name: str, region: str) -> None:
    arn = f"arn:aws:ses:{region}:123456789012:identity/{name}"
    ses.untag_resource(ResourceArn=arn, TagKeys=["team"])


def _drift_policy(ses: Any, name: str, region: str) -> None:
    policy = foreign_policy(name, region)
    ses.update_email_identity_policy(EmailIdentity=name, PolicyName="audit", Policy=policy)


DRIFTS: Mapping[Drift, Callable[[Any, str, str], Any]] = {
    Drift.MAIL_FROM: lambda ses, name, _: ses.put_email_identity_mail_from_attributes(
        EmailIdentity=name, MailFromDomain=f"else.{name}"
    ),
    Drift.SIGNING: lambda ses, name, _: ses.put_email_identity_dkim_attributes(
        EmailIdentity=name, SigningEnabled=False
    ),
    Drift.SET: lambda ses, name, _: ses.put_email_identity_configuration_set_attributes(EmailIdentity=name),
    Drift.TAGS: _drift_tags,
    Drift.POLICY: _drift_policy,
    Drift.FEEDBACK: lambda ses, name, _: ses.put_email_identity_feedback_attributes(
        EmailIdentity=name, EmailForwardingEnabled=False
    ),
}


def _drift_record(stage: Stage, action: Action) -> None:
    """Others delete one of our records; in a DNSEndpoint, its tenant does."""
    role = BY_KEY[action.target]
    if action.details["void"]:
        return
    if role.provider is Provider.ENDPOINT:
        _drift_endpoint(stage, action)
        return
    with suppress(*REFUSED):
        found = [item for item in stage.people.sets(role.zone).items() if _is_ours(item[0], role.domain)]
        if not found:
            return
        _, record = found[int(action.details["index"] * len(found))]
        stage.people.submit(role.zone, ("DELETE", record))


def _is_ours(key: tuple[str, str], domain: str) -> bool:
    name, kind = key
    return kind == "CNAME" and name.endswith(f"._domainkey.{domain}")


def _drift_endpoint(stage: Stage, action: Action) -> None:
    namespace, _, name = action.target.partition("/")
    path = f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{namespace}/dnsendpoints/{name}"
    found = stage.persist(lambda: stage.plane.api.get(path))
    if found is not None:
        with suppress(*REFUSED):
            stage.plane.api.patch(path, {"spec": {"endpoints": found["spec"].get("endpoints", [])[1:]}})


def _lose_identity(stage: Stage, action: Action) -> None:
    with suppress(*REFUSED):
        stage.ses(action.details["region"]).delete_email_identity(EmailIdentity=BY_KEY[action.target].domain)


def _lose_set(stage: Stage, action: Action) -> End:
    ses, name = stage.ses(action.details["region"]), action.details["name"]
    with suppress(*REFUSED):
        ses.delete_configuration_set(ConfigurationSetName=name)

    def create_again() -> None:
        for _ in range(20):  # faults hit others too
            try:
                ses.create_configuration_set(ConfigurationSetName=name)
            except ClientError as error:
                if error.response["Error"]["Code"] == "AlreadyExistsException":
                    return
            except BotoCoreError:
                continue

    return create_again


def ensure_sets(stage: Stage, regions: tuple[str, ...]) -> None:
    """Create the configuration sets that are missing; others may, once nothing is wrong any more."""
    for region in regions:
        known = stage.ses(region).list_configuration_sets()["ConfigurationSets"]
        for name in set(SETS) - set(known):
            stage.ses(region).create_configuration_set(ConfigurationSetName=name)


def _others_work(stage: Stage, action: Action) -> None:
    """The owners of what we claim put another policy and another tag on it: it becomes neither more nor less ours."""
    domain, region = CLAIMS[action.target], action.details["region"]
    arn = f"arn:aws:ses:{region}:123456789012:identity/{domain}"
    with suppress(*REFUSED):
        stage.ses(region).tag_resource(ResourceArn=arn, Tags=[{"Key": "stamp", "Value": str(action.details["stamp"])}])


def _hostile_object(stage: Stage, action: Action) -> None:
    what, suffix = Hostility(action.target), action.details["suffix"]
    spec, annotations = HOSTILITIES[what](suffix)
    key = f"{HOSTILE}/{what.name.lower().replace('_', '-')}-{suffix}"
    with suppress(*REFUSED):
        stage.create(key, spec, annotations=annotations)


def _hostile_spec(domain: str, **more: Any) -> dict[str, Any]:
    return {"domain": domain, "regions": ["eu-west-1"], "accountRef": {"name": "default"}, **more}


def _nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": value}
    return value


def _deep_policy(suffix: int) -> tuple[dict[str, Any], dict[str, str]]:
    statement = {"Effect": "Allow", "Condition": _nested(900), "Principal": {"AWS": OTHER}}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return _hostile_spec(f"deep{suffix}.hostile.{ZONE}", policies=[{"name": "p", "document": document}]), {}


def _many_regions(suffix: int) -> tuple[dict[str, Any], dict[str, str]]:
    regions = ",".join(f'"xx-made-{number}"' for number in range(12_000))
    annotations = {"ses-operator.io/inventory": f'{{"regions": [{regions}]}}'}
    return _hostile_spec(f"many{suffix}.hostile.{ZONE}"), annotations


def _made_up_regions(suffix: int) -> tuple[dict[str, Any], dict[str, str]]:
    return _hostile_spec(
        f"made{suffix}.hostile.{ZONE}", regions=[f"xx-made-{suffix}{number}" for number in range(32)]
    ), {}


def _control_characters(suffix: int) -> tuple[dict[str, Any], dict[str, str]]:
    text = "a\n2026-01-01 ERROR forged\x1b[31m"
    return _hostile_spec(f"text{suffix}.hostile.{ZONE}", tags={"team": text}), {"note": text}


def _silent_servers(suffix: int) -> tuple[dict[str, Any], dict[str, str]]:
    return _hostile_spec(f"silent{suffix}.invalid.example", dns={"provider": "Manual"}), {}


def _parent(_: int) -> tuple[dict[str, Any], dict[str, str]]:
    return _hostile_spec(ZONE, dns={"provider": "Route53", "route53": {"zoneRef": {"name": "main"}}}), {}


HOSTILITIES: Mapping[Hostility, Callable[[int], tuple[dict[str, Any], dict[str, str]]]] = {
    Hostility.DEEP_POLICY: _deep_policy,
    Hostility.MANY_REGIONS: _many_regions,
    Hostility.MADE_UP_REGIONS: _made_up_regions,
    Hostility.CONTROL_CHARACTERS: _control_characters,
    Hostility.SILENT_SERVERS: _silent_servers,
    Hostility.PARENT: _parent,
}


MOST_FORGED = 40
DIGEST_BYTES = 8


def _forged_ledger(stage: Stage, action: Action) -> None:
    """A ledger that anyone can compute without a key names others' records, and a SesIdentity has them deleted."""
    domain, name = ZONE, "forger"
    with suppress(*REFUSED):
        records = stage.people.sets(ZONE)
        stolen = [item for item in records.items() if _is_plain(item[0])]
        chosen = Random(action.number).sample(stolen, min(MOST_FORGED, len(stolen)))  # noqa: S311
        lines = [f"heritage=ses-operator,owner={INSTALLATION}/{HOSTILE}/{name}"]
        lines += [_forged_line(key, found, domain) for key, found in chosen]
        ledger = {
            "Name": f"_ses-operator.{domain}",
            "Type": "TXT",
            "TTL": 300,
            "ResourceRecords": [{"Value": f'"{line}"'} for line in lines],
        }
        stage.people.submit(ZONE, ("UPSERT", ledger))
    dns = {"provider": "Route53", "route53": {"zoneRef": {"name": "main"}}}
    with suppress(*REFUSED):
        stage.create(f"{HOSTILE}/{name}", _hostile_spec(domain, dns=dns))


def _is_plain(key: tuple[str, str]) -> bool:
    name, kind = key
    return not name.startswith("_ses-operator.") and kind in ("CNAME", "MX", "TXT")


def _forged_line(key: tuple[str, str], found: Mapping[str, Any], domain: str) -> str:
    """Return a line of a ledger without a signature: an unkeyed digest of the ttl and the values."""
    name, kind = key
    values = sorted(_meaning(kind, value["Value"]) for value in found["ResourceRecords"])
    text = "\n".join((str(found["TTL"]), *values))
    octets = hashlib.sha256(text.encode()).digest()[:DIGEST_BYTES]
    digest = base64.urlsafe_b64encode(octets).decode().rstrip("=")
    relative = "@" if name == domain else name.removesuffix(f".{domain}")
    return f"{kind} {relative} {digest}"


def _meaning(kind: str, value: str) -> str:
    return value.strip('"') if kind == "TXT" else value.rstrip(".").lower()


DEEDS: Mapping[Kind, Callable[[Stage, Action], End | None]] = {
    **dict.fromkeys(
        (
            Kind.THROTTLE,
            Kind.SERVER_ERROR,
            Kind.LATENCY,
            Kind.LOST_ANSWER,
            Kind.REGION_DOWN,
            Kind.DNS_FAILURE,
            Kind.BLIND,
        ),
        _fault,
    ),
    Kind.KILL: _kill,
    Kind.TERMINATE: _terminate,
    Kind.FREEZE: _freeze,
    Kind.CUT: _cut,
    Kind.APISERVER_RESTART: _restart(Part.APISERVER),
    Kind.ETCD_RESTART: _restart(Part.ETCD),
    Kind.CHANGE_SPEC: _change_spec,
    Kind.DELETE_OBJECT: _delete_object,
    Kind.RECONCILE: _reconcile,
    Kind.LOSE_STATUS: _lose_status,
    Kind.LOSE_ANNOTATIONS: _lose_annotations,
    Kind.DRIFT_SETTING: _drift_setting,
    Kind.DRIFT_RECORD: _drift_record,
    Kind.LOSE_IDENTITY: _lose_identity,
    Kind.LOSE_SET: _lose_set,
    Kind.OTHERS_WORK: _others_work,
    Kind.HOSTILE_OBJECT: _hostile_object,
    Kind.FORGED_LEDGER: _forged_ledger,
}
