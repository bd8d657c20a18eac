"""The action, resources and condition keys of a request, as IAM evaluates them. Pure.

Source: Service Authorization Reference, "Actions, resources, and condition keys" for Amazon SES v1 and v2, and for
Route 53.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any
from xml.etree.ElementTree import Element, ParseError  # the types; defusedxml does the parsing

from defusedxml.ElementTree import fromstring

from ses_sandbox.regions import configuration_set_arn, identity_arn
from ses_sandbox.request import AwsRequest, Protocol

Context = Mapping[str, Sequence[str]]
ANY = ("*",)
CHANGE_KEYS = "route53:ChangeResourceRecordSets"


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a request. ``resources``: every one of them must be allowed."""

    service: str
    operation: str
    action: str
    resources: tuple[str, ...]
    protocol: Protocol
    context: Context = field(default_factory=dict)


def target_of(request: AwsRequest, params: Mapping[str, Any], account: str, tags: Mapping[str, str]) -> Target:
    """Return the target of a request. ``tags``: of the identity that it is about, {} if there is none."""
    context: dict[str, Sequence[str]] = {"aws:RequestedRegion": (request.region,)}
    if request.service == "ses":
        resources = tuple(_ses_resources(request, params, account)) or ANY
        context["ses:ApiVersion"] = ("2" if request.protocol is Protocol.REST_JSON else "1",)
        context |= _tag_keys(params, tags)
        context |= _sending_keys(params)
    elif request.service == "route53":
        resources = _route53_resources(request)
        context |= _record_keys(request)
    elif request.service == "sns":
        resources = ((request.form or {}).get("TopicArn", "*"),)
    else:
        form = request.form or {}
        resources = (form.get("RoleArn", "*"),)
        if "ExternalId" in form:
            context["sts:ExternalId"] = (form["ExternalId"],)
    return Target(
        service=request.service,
        operation=request.operation,
        action=f"{request.service}:{_action_name(request.operation, params)}",
        resources=resources,
        protocol=request.protocol,
        context=context,
    )


def _action_name(operation: str, params: Mapping[str, Any]) -> str:
    """Return the operation; for a raw message the action that the first API has for these (Developer Guide)."""
    is_raw = operation == "SendEmail" and "Raw" in params.get("Content", {})
    return "SendRawEmail" if is_raw else operation


def _ses_resources(request: AwsRequest, params: Mapping[str, Any], account: str) -> Iterator[str]:
    if arn := params.get("ResourceArn"):
        yield str(arn)
        return
    name = params.get("EmailIdentity") or params.get("Identity") or params.get("Domain") or params.get("EmailAddress")
    if arn := params.get("FromEmailAddressIdentityArn"):
        yield str(arn)
    elif sender := params.get("FromEmailAddress"):
        yield identity_arn(account, request.region, str(sender).rpartition("<")[2].rstrip(">").rpartition("@")[2])
    elif name:
        yield str(name) if str(name).startswith("arn:") else identity_arn(account, request.region, str(name))
    if configuration_set := params.get("ConfigurationSetName"):
        yield configuration_set_arn(account, request.region, str(configuration_set))


def _sending_keys(params: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """Return the condition keys of SendEmail as the request gives them, and not the headers of a raw message."""
    if "Content" not in params or "FromEmailAddress" not in params:
        return {}
    sender, destination = str(params["FromEmailAddress"]), params.get("Destination") or {}
    given = (destination.get(f"{kind}Addresses", ()) for kind in ("To", "Cc", "Bcc"))
    keys: dict[str, Sequence[str]] = {
        "ses:FromAddress": (parseaddr(sender)[1],),
        "ses:Recipients": tuple(parseaddr(str(address))[1] for addresses in given for address in addresses),
        "ses:FeedbackAddress": (str(params.get("FeedbackForwardingEmailAddress") or parseaddr(sender)[1]),),
    }
    return keys | ({"ses:FromDisplayName": (name,)} if (name := parseaddr(sender)[0]) else {})


def _tag_keys(params: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Sequence[str]]:
    given = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ()) if isinstance(tag, dict)}
    keys = tuple(given) or tuple(params.get("TagKeys", ()))
    context: dict[str, Sequence[str]] = {f"aws:RequestTag/{key}": (value,) for key, value in given.items()}
    context |= {f"aws:ResourceTag/{key}": (value,) for key, value in tags.items()}
    return {**context, "aws:TagKeys": keys} if keys else context


def _route53_resources(request: AwsRequest) -> tuple[str, ...]:
    if request.resource is None:
        return ANY
    kind = "change" if request.operation == "GetChange" else "hostedzone"
    return (f"arn:aws:route53:::{kind}/{request.resource}",)


def _record_keys(request: AwsRequest) -> dict[str, Sequence[str]]:
    """Return the condition keys of ChangeResourceRecordSets: normalized names, types and actions of the batch."""
    if request.operation != "ChangeResourceRecordSets":
        return {}
    try:
        root: Element = fromstring(request.body)
    except ParseError:
        return {}
    texts = {
        tag: tuple(dict.fromkeys((found.text or "").strip() for found in root.iter() if found.tag.endswith(f"}}{tag}")))
        for tag in ("Name", "Type", "Action")
    }
    names = tuple(name.rstrip(".").lower() for name in texts["Name"])
    return {
        f"{CHANGE_KEYS}NormalizedRecordNames": names,
        f"{CHANGE_KEYS}RecordTypes": texts["Type"],
        f"{CHANGE_KEYS}Actions": texts["Action"],
    }
