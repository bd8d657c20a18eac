"""The list of records, pasted: what a reader of each form finds is what was wanted."""

from __future__ import annotations

import csv
import io
import json
import re

import dns.name
import dns.rdatatype
import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.identity.status import RecordStatus
from ses_operator.core.dns.record_formats import (
    FORMATS,
    ListedRecord,
    RecordFormat,
    cloudflare,
    csv_table,
    terraform,
    zone_file,
    zone_file_values,
)
from ses_operator.core.model.record_values import txt
from ses_operator.core.model.records import Purpose, RecordSet, RecordType
from unit.served import DKIM, DMARC, MX, SPF

LONG_KEY = RecordSet(
    "s1._domainkey.example.com", RecordType.TXT, (f"v=DKIM1; k=rsa; p={'A' * 392}",), 300, Purpose.DKIM, ("r",)
)
RECORDS = (DKIM, DMARC, LONG_KEY, MX, SPF)
_texts = st.text(st.characters(codec="utf-8"), max_size=600)
_plain_texts = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1, max_size=600
)
_records = st.one_of(
    st.sampled_from(RECORDS),
    st.builds(
        lambda text, ttl: RecordSet(DMARC.name, RecordType.TXT, (text,), ttl, Purpose.DMARC, ("r",)),
        _plain_texts,
        st.integers(0, 86400),
    ),
)
Contents = set[tuple[str, str, int, tuple[str, ...]]]


def parsed(text: str, origin: str) -> Contents:
    """What a name server reads: absolute name, type, ttl and values, texts joined."""
    zone = dns.zone.from_text(text, origin=origin, relativize=False, check_origin=False)
    return {
        (
            name.to_text(omit_final_dot=True),
            dns.rdatatype.to_text(rdataset.rdtype),
            rdataset.ttl,
            tuple(sorted(_value(rdata) for rdata in rdataset)),
        )
        for name, node in zone.nodes.items()
        for rdataset in node
    }


def _value(rdata: object) -> str:
    strings = getattr(rdata, "strings", None)
    if strings is None:
        return str(rdata).removesuffix(".")
    assert all(len(string) <= txt.MAX_STRING_OCTETS for string in strings)
    return b"".join(strings).decode("utf-8", "surrogateescape")


def wanted(*records: RecordSet) -> Contents:
    return {(record.name, record.type.value, record.ttl, record.values) for record in records}


@given(_records, st.sampled_from(["example.com", "com", "example.org"]))
def test_a_zone_of_any_name_has_the_records_after_pasting_the_zone_file(record: RecordSet, origin: str) -> None:
    # dnspython refuses names outside of the zone: a name without its dot would be one inside of it.
    text = zone_file([record])
    assert text.startswith(f"{record.name}. {record.ttl} IN ")
    if record.name.endswith(origin):
        assert parsed(text, origin) == wanted(record)


def test_all_records_are_in_the_zone_file() -> None:
    assert parsed(zone_file(RECORDS), "example.com") == wanted(*RECORDS)


@given(_texts)
def test_a_text_in_a_zone_file_is_read_back_octet_by_octet(text: str) -> None:
    record = RecordSet(DMARC.name, RecordType.TXT, (text,), 300, Purpose.DMARC, ("r",))
    assert parsed(zone_file([record]), "example.com") == wanted(record)


def test_cloudflare_reads_the_same_and_proxies_nothing() -> None:
    quick = RecordSet(DKIM.name, DKIM.type, DKIM.values, 5, DKIM.purpose, ("r",))
    text = cloudflare([MX, quick, LONG_KEY])
    slow = RecordSet(DKIM.name, DKIM.type, DKIM.values, 60, DKIM.purpose, ("r",))
    assert parsed(text, "example.com") == wanted(MX, slow, LONG_KEY)
    assert all(line.endswith("; cf_tags=cf-proxied:false") for line in text.splitlines())


@given(st.lists(_records, max_size=3))
def test_a_table_is_read_back_row_by_row(records: list[RecordSet]) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_table(records), newline="")))
    read = [
        (row["name"], row["type"], int(row["ttl"]), f"{row['priority']} {row['value']}" if row["priority"] else row["value"])
        for row in rows
    ]  # fmt: skip
    assert read == [
        (record.name, record.type.value, record.ttl, value) for record in records for value in record.values
    ]


RESOURCE = re.compile(
    r'resource "aws_route53_record" "(?P<label>[a-z_][a-z0-9_]*)" \{\n'
    r"  zone_id = var\.zone_id\n  name    = (?P<name>.+)\n  type    = (?P<type>.+)\n  ttl     = (?P<ttl>\d+)\n"
    r"  records = (?P<records>.+)\n\}\n"
)


@given(st.lists(_records, max_size=4))
def test_terraform_gets_a_resource_for_each_record_with_what_route_53_has_to_get(records: list[RecordSet]) -> None:
    text = terraform(records)
    resources = list(RESOURCE.finditer(text))
    assert "".join(match[0] for match in resources) == text.replace("}\n\n", "}\n")
    assert len({match["label"] for match in resources}) == len(records)
    for match, record in zip(resources, records, strict=True):
        assert (_string(match["name"]), _string(match["type"]), int(match["ttl"])) == (
            record.name, record.type, record.ttl,
        )  # fmt: skip
        (value,) = json.loads(_plain(match["records"]))
        # The provider puts the text in quotation marks and sends it to Route 53 as it is.
        sent = txt.unquote(f'"{value}"'.replace('""', '" "') if value else '""') if record.type == "TXT" else value
        assert (sent,) == record.values


def _plain(hcl: str) -> str:
    """The text without HCL's escapes of templates: what remains is JSON."""
    assert not re.search(r"(?<!\$)(\$\$)*\$\{", hcl)
    return hcl.replace("$${", "${").replace("%%{", "%{")


def _string(hcl: str) -> str:
    found: str = json.loads(_plain(hcl))
    return found


def test_each_form_is_there_and_takes_the_records_of_status_too() -> None:
    status = [
        RecordStatus(name=record.name, type=record.type, ttl=record.ttl, values=record.values) for record in RECORDS
    ]
    assert set(FORMATS) == set(RecordFormat)
    for form in FORMATS.values():
        listed: list[ListedRecord] = [*status]
        assert form(listed) == form(RECORDS)


def test_a_record_of_which_no_ttl_is_known_has_none() -> None:
    record = RecordStatus(name=MX.name, type=MX.type, values=MX.values)
    assert zone_file([record]) == "bounce.example.com. IN MX 10 feedback-smtp.eu-west-1.amazonses.com.\n"
    assert "ttl" not in terraform([record])
    assert csv_table([record]).splitlines()[1] == "bounce.example.com,MX,,10,feedback-smtp.eu-west-1.amazonses.com"


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (DKIM, ("abc.dkim.amazonses.com.",)),
        (MX, ("10 feedback-smtp.eu-west-1.amazonses.com.",)),
        (SPF, ('"v=spf1 include:amazonses.com ~all"',)),
    ],
    ids=["CNAME", "MX", "TXT"],
)
def test_the_values_of_status_have_their_dots_and_quotation_marks(record: RecordSet, values: tuple[str, ...]) -> None:
    assert zone_file_values(record) == values
