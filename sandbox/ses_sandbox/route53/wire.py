"""Route 53's XML, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ses_sandbox.route53.records import Action, Change, ChangeBatch, ResourceRecordSet
from ses_sandbox.route53.validation import InvalidInputError
from ses_sandbox.route53.zones import HostedZone, Submitted

NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
TYPES = frozenset(
    "A AAAA CAA CNAME DS HTTPS MX NAPTR NS PTR SOA SPF SRV SSHFP SVCB TLSA TXT".split()  # noqa: SIM905
)
ROUTING_ORDER = ("Weight", "Region", "GeoLocation", "Failover", "MultiValueAnswer")


@dataclass(frozen=True, slots=True)
class HostedZoneRequest:
    """The elements of CreateHostedZone that moto keeps."""

    name: str
    caller_reference: str
    comment: str | None
    private: bool
    vpc_id: str | None
    vpc_region: str | None
    delegation_set_id: str | None


def parse(body: bytes) -> Element:
    """Parse the document, without its namespace. Raises InvalidInputError for text that is not XML."""
    try:
        root: Element = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise InvalidInputError(f"Invalid XML ; {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def change_batch(body: bytes) -> ChangeBatch:
    """Read a ChangeResourceRecordSetsRequest. Raises InvalidInputError for elements that are missing or not of the schema."""
    batch = parse(body).find("ChangeBatch")
    if batch is None:
        raise InvalidInputError("Invalid XML ; ChangeResourceRecordSetsRequest must contain a ChangeBatch")
    changes = tuple(_change(element) for element in batch.iterfind("Changes/Change"))
    return ChangeBatch(changes, batch.findtext("Comment") or "")


def _change(element: Element) -> Change:
    action = element.findtext("Action") or ""
    if action not in Action.__members__:
        raise _not_in_enumeration(action, tuple(Action))
    record_set = element.find("ResourceRecordSet")
    if record_set is None:
        raise InvalidInputError("Invalid XML ; Change must contain a ResourceRecordSet")
    return Change(Action(action), _record_set(record_set))


def _record_set(element: Element) -> ResourceRecordSet:
    record_type = element.findtext("Type") or ""
    if record_type not in TYPES:
        raise _not_in_enumeration(record_type, sorted(TYPES))
    alias = element.find("AliasTarget")
    routing: dict[str, Any] = {}
    for child in element:
        if child.tag in {*ROUTING_ORDER, "HealthCheckId"}:
            routing[child.tag] = {part.tag: part.text or "" for part in child} or child.text or ""
    if alias is not None:
        routing["AliasTarget"] = {part.tag: part.text or "" for part in alias}
    return ResourceRecordSet(
        name=element.findtext("Name") or "",
        type=record_type,
        ttl=_ttl(element.findtext("TTL")),
        values=tuple((value.text or "") for value in element.iterfind("ResourceRecords/ResourceRecord/Value")),
        set_identifier=element.findtext("SetIdentifier") or "",
        routing=routing,
    )


def _ttl(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInputError(
            f"Invalid XML ; cvc-datatype-valid.1.2.1: '{text}' is not a valid value for 'integer'."
        ) from error


def _not_in_enumeration(value: str, allowed: Iterable[str]) -> InvalidInputError:
    return InvalidInputError(
        f"Invalid XML ; cvc-enumeration-valid: Value '{value}' is not facet-valid with respect to enumeration "
        f"'[{', '.join(allowed)}]'. It must be a value from the enumeration."
    )


def hosted_zone_request(body: bytes) -> HostedZoneRequest:
    """Read a CreateHostedZoneRequest. Raises InvalidInputError if Name or CallerReference is missing."""
    root = parse(body)
    name, caller_reference = root.findtext("Name"), root.findtext("CallerReference")
    if not name or not caller_reference:
        raise InvalidInputError("Invalid XML ; CreateHostedZoneRequest must contain Name and CallerReference")
    vpc_id = root.findtext("VPC/VPCId")
    return HostedZoneRequest(
        name=name,
        caller_reference=caller_reference,
        comment=root.findtext("HostedZoneConfig/Comment"),
        private=root.findtext("HostedZoneConfig/PrivateZone") == "true" or vpc_id is not None,
        vpc_id=vpc_id,
        vpc_region=root.findtext("VPC/VPCRegion"),
        delegation_set_id=root.findtext("DelegationSetId"),
    )


def document(name: str, content: Iterable[Element]) -> bytes:
    """Return a whole response, in Route 53's namespace."""
    root = Element(name, xmlns=NAMESPACE)
    root.extend(content)
    return b'<?xml version="1.0"?>\n' + tostring(root)


def error(code: str, message: str, request_id: str) -> bytes:
    """Return the ErrorResponse that SDKs read the code and the message from."""
    body = node("Error", {"Type": "Sender", "Code": code, "Message": message})
    return document("ErrorResponse", (body, node("RequestId", request_id)))


def node(name: str, content: str | Mapping[str, Any] | Iterable[Element]) -> Element:
    """Return an element of text, of named texts (mappings nest, None is left out), or of other elements."""
    element = Element(name)
    if isinstance(content, str):
        element.text = content
    elif isinstance(content, Mapping):
        element.extend(
            node(key, value if isinstance(value, Mapping) else str(value))
            for key, value in content.items()
            if value is not None
        )
    else:
        element.extend(content)
    return element


def truth(value: bool) -> str:
    """Return XML's boolean."""
    return "true" if value else "false"


def change_info(change: Submitted, now: datetime) -> Element:
    """Return the ChangeInfo of a change."""
    info = {
        "Id": f"/change/{change.id}",
        "Status": change.status(now),
        "SubmittedAt": change.submitted_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "Comment": change.comment or None,
    }
    return node("ChangeInfo", info)


def hosted_zone(zone: HostedZone) -> Element:
    """Return a zone as HostedZone."""
    moto_zone = zone.moto_zone
    return node(
        "HostedZone",
        {
            "Id": f"/hostedzone/{zone.id}",
            "Name": zone.name,
            "CallerReference": moto_zone.caller_reference,
            "Config": {"Comment": moto_zone.comment or None, "PrivateZone": truth(moto_zone.private_zone)},
            "ResourceRecordSetCount": len(zone.records),
        },
    )


def delegation_set(zone: HostedZone) -> Element:
    """Return the name servers of a zone as DelegationSet."""
    servers = zone.moto_zone.delegation_set.name_servers if zone.moto_zone.delegation_set else []
    return node("DelegationSet", (node("NameServers", (node("NameServer", server) for server in servers)),))


def record_set(stored: ResourceRecordSet) -> Element:
    """Return a ResourceRecordSet with its elements in the order of the schema."""
    element = node("ResourceRecordSet", {"Name": stored.name, "Type": stored.type})
    if stored.set_identifier:
        SubElement(element, "SetIdentifier").text = stored.set_identifier
    element.extend(node(name, _nested(stored.routing[name])) for name in ROUTING_ORDER if name in stored.routing)
    if stored.ttl is not None:
        SubElement(element, "TTL").text = str(stored.ttl)
    if stored.values:
        records = (node("ResourceRecord", {"Value": value}) for value in stored.values)
        element.append(node("ResourceRecords", records))
    element.extend(
        node(name, _nested(stored.routing[name])) for name in ("AliasTarget", "HealthCheckId") if name in stored.routing
    )
    return element


def _nested(value: Any) -> str | Mapping[str, Any]:
    return value if isinstance(value, Mapping) else str(value)
