"""The list of records in forms that can be pasted: a zone file, CSV, Terraform, and what Cloudflare imports. Pure.

In a zone file a name without a closing dot is relative to the zone, blanks divide a text, and a semicolon begins a
comment (RFC 1035, 5.1). So names and targets get their dot, and texts their quotation marks, split after 255 octets.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from ses_operator.core.model.record_values import txt
from ses_operator.core.model.records import RecordType

CSV_COLUMNS = ("name", "type", "ttl", "priority", "value")
CLOUDFLARE_LEAST_TTL = 60
"""Seconds: what Cloudflare accepts in every plan."""
NOT_PROXIED = "; cf_tags=cf-proxied:false"
"""The comment by which Cloudflare's import knows that a record is to be answered as it is ("DNS only")."""


class ListedRecord(Protocol):
    """A record set as ``RecordSet`` and ``status.dns.records`` have it. ``ttl`` in seconds, None: not known."""

    @property
    def name(self) -> str:
        """Absolute, without the closing dot."""

    @property
    def type(self) -> str:
        """CNAME, MX or TXT."""

    @property
    def ttl(self) -> int | None:
        """Time to live in seconds."""

    @property
    def values(self) -> Sequence[str]:
        """In the form of RecordSet.values."""


class RecordFormat(StrEnum):
    """The forms of the list."""

    ZONE_FILE = "bind"
    CSV = "csv"
    TERRAFORM = "terraform"
    CLOUDFLARE = "cloudflare"


def zone_file_value(record_type: str, value: str) -> str:
    """Return one value as a zone file has it: a target with its closing dot, a text in quotation marks."""
    if record_type == RecordType.TXT:
        return txt.quote(value, txt.Escaping.DECIMAL)
    return f"{value.removesuffix('.')}."


def zone_file_values(record: ListedRecord) -> tuple[str, ...]:
    """Return the values of a record as a zone file has them."""
    return tuple(zone_file_value(record.type, value) for value in record.values)


def zone_file(records: Iterable[ListedRecord]) -> str:
    """Return the records as lines of a zone file (RFC 1035, 5.1), right in a zone of any name."""
    return "".join(f"{line}\n" for record in records for line in _lines(record, record.ttl))


def cloudflare(records: Iterable[ListedRecord]) -> str:
    """Return the records as Cloudflare imports them (DNS, Records, Import): a zone file, and no record is proxied."""
    return "".join(
        f"{line} {NOT_PROXIED}\n"
        for record in records
        for line in _lines(record, None if record.ttl is None else max(record.ttl, CLOUDFLARE_LEAST_TTL))
    )


def csv_table(records: Iterable[ListedRecord]) -> str:
    """Return a table with a row for each value: names and values plain, the preference of an MX in a column of its own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for record in records:
        for value in record.values:
            priority, plain = value.split(" ", 1) if record.type == RecordType.MX else ("", value)
            writer.writerow((record.name, record.type, "" if record.ttl is None else record.ttl, priority, plain))
    return out.getvalue()


def terraform(records: Iterable[ListedRecord]) -> str:
    """Return a resource ``aws_route53_record`` for each record, in the zone that ``var.zone_id`` names.

    Source: documentation of the provider hashicorp/aws: it adds the quotation marks of a text itself; within it, two of
    them divide strings of 255 octets.
    """
    used: set[str] = set()
    return "\n".join(_resource(record, used) for record in records)


FORMATS: Mapping[RecordFormat, Callable[[Iterable[ListedRecord]], str]] = {
    RecordFormat.ZONE_FILE: zone_file,
    RecordFormat.CSV: csv_table,
    RecordFormat.TERRAFORM: terraform,
    RecordFormat.CLOUDFLARE: cloudflare,
}


def misread(record: ListedRecord, zone: str) -> tuple[str, ...]:
    """Return what becomes of the plain values if they are pasted into a zone file: relative names, texts cut up."""
    if record.type == RecordType.TXT:
        return tuple(sorted(map(unquoted_text, record.values)))
    return tuple(sorted(f"{value}.{zone}" for value in record.values))


def unquoted_text(text: str) -> str:
    """Return what is read of a text without quotation marks: its strings joined, up to the comment that begins at ``;``."""
    return "".join(text.partition(";")[0].split())


def _lines(record: ListedRecord, ttl: int | None) -> Iterator[str]:
    written = "" if ttl is None else f"{ttl} "
    for value in zone_file_values(record):
        yield f"{record.name}. {written}IN {record.type} {value}"


def _resource(record: ListedRecord, used: set[str]) -> str:
    values = [_terraform_text(value) if record.type == RecordType.TXT else value for value in record.values]
    ttl = [f"  ttl     = {record.ttl}"] if record.ttl is not None else []
    lines = [
        f'resource "aws_route53_record" "{_resource_name(record, used)}" {{',
        "  zone_id = var.zone_id",
        f"  name    = {_hcl(record.name)}",
        f"  type    = {_hcl(record.type)}",
        *ttl,
        f"  records = [{', '.join(map(_hcl, values))}]",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _resource_name(record: ListedRecord, used: set[str]) -> str:
    """Return a name that Terraform takes: letters, digits and ``_``, unique in the list."""
    plain = re.sub("[^a-z0-9]+", "_", f"ses_{record.type}_{record.name}".lower()).strip("_")
    name, count = plain, 1
    while name in used:
        count += 1
        name = f"{plain}_{count}"
    used.add(name)
    return name


def _terraform_text(text: str) -> str:
    """Return a text as the provider takes it: what Route 53 gets, without the outer quotation marks."""
    return txt.quote(text).replace('" "', '""')[1:-1]


def _hcl(text: str) -> str:
    """Return a quoted string of HCL, in which ``${`` and ``%{`` would begin a template."""
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")
