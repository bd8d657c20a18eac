"""Hostile objects of each kind, drawn from the schemas of the CustomResourceDefinitions themselves.

What the apiserver refuses is not tried further: what matters is what it takes. So a valid spec is drawn with one or two members
that have any value the schema allows, beside values that do harm: control characters, texts as long as may be, documents of any
shape, made-up names, annotations as no operator writes them. A field more is tried without a line more here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ses_operator.api.base import meta
from ses_operator.api.schema.crd import root_schema
from ses_operator.api.schema.kinds import KINDS, Kind
from ses_operator.api.schema.versions import SPOKEN

Json = Any
Manifest = dict[str, Any]

TEXTS = (
    "", " ", "\n2026-01-31T12:00:00.000Z INFO forged",
    "\x1b[2J\x1b]0;x\x07", "\u202etxet\u202c", "\x00", "\u2028", "🙂" * 40, "%s%n{}",
    "${jndi:ldap://x}", "../../etc/passwd", "-", ".", "*", "a" * 300, "eu-made-1", "127.0.0.1", "NaN", "null", "[" * 500,
    '{"a":' * 300,
)  # fmt: skip
NUMBERS = (0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
MOMENTS = ("2026-01-31T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
DOCUMENTS: tuple[Json, ...] = (
    {"Version": "2012-10-17", "Statement": []}, {"Statement": [[[[[[[[[[[]]]]]]]]]]]}, {},
    [], 7, 1.5, True, None, "", "[" * 900, "{}",
    {"Statement": {"Effect": "Allow", "Principal": {"AWS": [["x"]]}, "Action": {"a": "b"}}}, {"a": "x" * 70_000},
    {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "\n\x1b"}, "Action": "ses:\u202e", "Sid": "\x00"}] * 30},
    {"Version": [], "Statement": "x"}, {"Statement": [{"Effect": ["Allow"], "Condition": [1], "Principal": 5, "Action": [{}]}]},
)  # fmt: skip
INVENTORIES = (
    "", "[" * 1000, "null", "7", '{"regions":' + json.dumps([f"eu-{'abcdefghij'[n % 10]}-{n % 90}" for n in range(12_000)]) + "}",
    '{"places":["Route53/../x","Route53/","DNSEndpoint","Elsewhere/1"]}', '{"regions":["eu-west-1","eu-made-1"],"account":"x"}',
    '{"account":' + "9" * 5000 + "}", '{"policies":["eu-west-1/\\ud800"],"settings":["\\u0000"],"tagKeys":["\\u202e"]}',
    '{"regions":[NaN,Infinity,1e999,{"a":[]}]}',
)  # fmt: skip

VALID: Mapping[str, Manifest] = {
    meta.IDENTITY_KIND: {"domain": "{name}.{zone}", "regions": ["eu-west-1"], "accountRef": {"name": "{account}"}},
    meta.TEMPLATE_KIND: {
        "accountRef": {"name": "{account}"},
        "regions": ["eu-west-1"],
        "fromEmailAddress": "noreply@{zone}",
        "content": "<p>x</p>",
        "subject": "x",
        "successRedirectURL": "https://example.com/a",
        "failureRedirectURL": "https://example.com/b",
    },
    meta.ACCOUNT_KIND: {},
}
"""Specs that are valid, in which ``{name}``, ``{zone}`` and ``{account}`` are to be filled in."""

KEPT = frozenset({"endpoints", "credentials", "installationID", "accountID"})
"""Members of an account's spec that are left as they are: with others it would call AWS itself, or do nothing."""

ANNOTATIONS = tuple(
    sorted(
        value
        for name, value in vars(meta).items()
        if name.isupper() and isinstance(value, str) and value.startswith(meta.PREFIX) and value != meta.PREFIX
    )
)


@cache
def values(path: tuple[str, ...], kind: str) -> SearchStrategy[Json]:
    """Values of the member at this path of a kind's object."""
    node = root_schema(next(each for each in KINDS if each.kind == kind), SPOKEN)
    for name in path:
        node = node["properties"][name]
    return _values(node)


def _values(schema: Mapping[str, Any]) -> SearchStrategy[Json]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "string":
            return _texts(schema)
        case "integer" | "number":
            least, most = schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1)
            return st.sampled_from([number for number in (*NUMBERS, least, most) if least <= number <= most])
        case "boolean":
            return st.booleans()
        case "array":
            items, most = _values(schema["items"]), schema.get("maxItems", 100)
            return st.lists(items, max_size=min(most, 3)) | items.map(lambda item: [item] * most)
        case "object":
            return _objects(schema)
        case _:
            return st.sampled_from(DOCUMENTS)


def _texts(schema: Mapping[str, Any]) -> SearchStrategy[str]:
    most = schema.get("maxLength", 1000)
    if schema.get("format") == "date-time":
        return st.sampled_from(MOMENTS)
    return st.sampled_from([text[:most] for text in TEXTS]) | st.text(max_size=min(most, 40)) | st.just("x" * most)


def _objects(schema: Mapping[str, Any]) -> SearchStrategy[Json]:
    if "properties" not in schema:
        member = schema.get("additionalProperties")
        inner = _values(member) if isinstance(member, Mapping) else st.sampled_from(DOCUMENTS)
        return st.dictionaries(st.sampled_from(TEXTS), inner, max_size=min(schema.get("maxProperties", 3), 3))
    members = {name: _values(child) for name, child in schema["properties"].items()}
    required = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: value for name, value in members.items() if name in required},
        optional={name: value for name, value in members.items() if name not in required},
    )


def filled(spec: Json, **names: str) -> Json:
    """The value with the names filled in."""
    if isinstance(spec, str):
        return spec.format(**names) if spec in {"{name}.{zone}", "{account}", "noreply@{zone}"} else spec
    if isinstance(spec, dict):
        return {key: filled(value, **names) for key, value in spec.items()}
    return [filled(value, **names) for value in spec] if isinstance(spec, list) else spec


@st.composite
def hostile(draw: st.DrawFn, kind: Kind) -> tuple[Manifest, Json, Mapping[str, str]]:
    """A spec, a status and annotations, of which the apiserver takes some."""
    schema = root_schema(kind, SPOKEN)["properties"]
    spec = dict(VALID[kind.kind])
    members = sorted(schema["spec"]["properties"].keys() - KEPT)
    for name in draw(st.lists(st.sampled_from(members), max_size=2, unique=True)):
        spec[name] = draw(values(("spec", name), kind.kind))
    if kind.kind == meta.IDENTITY_KIND and draw(st.booleans()):
        spec["policies"] = [{"name": "p", "document": draw(st.sampled_from(DOCUMENTS))}]
    status = draw(st.none() | values(("status",), kind.kind))
    annotations = {
        name: draw(st.sampled_from(INVENTORIES if name == meta.INVENTORY else (*TEXTS, *INVENTORIES)))
        for name in draw(st.lists(st.sampled_from(ANNOTATIONS), max_size=2, unique=True))
    }
    return spec, status, annotations
