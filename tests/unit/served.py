"""The table of records: what each is for, what is served at its name, and whether that serves the purpose.

One row is tried on the judge, on the plan of a zone, on the diagnosis, and in ``tests/sandbox/test_published.py`` on a
real Route 53 and real name servers: every provider has to come to the same verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

from ses_operator.core.dns.judge import RecordVerdict, Served
from ses_operator.core.model.records import Purpose, RecordSet, RecordType

DOMAIN = "example.com"
REGION = "eu-west-1"
SPF_TEXT = "v=spf1 include:amazonses.com ~all"
VERIFICATION = "google-site-verification=abc"
MODULUS = "MIGfMA0GCSqGSIb3DQEB"


def wanted(label: str, kind: RecordType, purpose: Purpose, value: str) -> RecordSet:
    return RecordSet(f"{label}.{DOMAIN}", kind, (value,), 300, purpose, (REGION,))


DKIM = wanted("abc._domainkey", RecordType.CNAME, Purpose.DKIM, "abc.dkim.amazonses.com")
KEY = wanted("s1._domainkey", RecordType.TXT, Purpose.DKIM, f"v=DKIM1; k=rsa; p={MODULUS}")
MX = wanted("bounce", RecordType.MX, Purpose.MAIL_FROM, f"10 feedback-smtp.{REGION}.amazonses.com")
SPF = wanted("bounce", RecordType.TXT, Purpose.SPF, SPF_TEXT)
DMARC = wanted("_dmarc", RecordType.TXT, Purpose.DMARC, "v=DMARC1; p=quarantine; rua=mailto:d@example.com")


@dataclass(frozen=True)
class Row:
    """What is served for a record. ``behind``: at the end of the CNAME that is served; ``advice``: words of the way out."""

    record: RecordSet
    values: tuple[str, ...]
    verdict: RecordVerdict
    advice: str = ""
    alias: str = ""
    behind: tuple[str, ...] | None = None

    @property
    def served(self) -> Served:
        return Served(self.values, self.alias, self.behind)

    @property
    def is_published(self) -> bool:
        return self.verdict is RecordVerdict.PUBLISHED


def _good(record: RecordSet, *values: str) -> Row:
    return Row(record, values, RecordVerdict.PUBLISHED)


def _bad(record: RecordSet, verdict: RecordVerdict, advice: str, *values: str) -> Row:
    return Row(record, values, verdict, advice)


ELSEWHERE = "elsewhere.example.net"
_SHARED, _OTHER, _SEVERAL = RecordVerdict.SHARED, RecordVerdict.OTHER, RecordVerdict.SEVERAL

ROWS = {
    "SPF as it is wanted": _good(SPF, SPF_TEXT),
    "SPF that ends in -all": _good(SPF, "v=spf1 include:amazonses.com -all"),
    "SPF that ends in nothing": _good(SPF, "v=spf1 include:amazonses.com"),
    "SPF with a second include": _good(SPF, "v=spf1 include:amazonses.com include:_spf.google.com ~all"),
    "SPF in another order": _good(SPF, "v=spf1 ip4:192.0.2.0/24 include:_spf.google.com include:amazonses.com -all"),
    "SPF in another case": _good(SPF, "V=SPF1 Include:AmazonSES.COM ~ALL"),
    "SPF with more blanks": _good(SPF, "v=spf1  include:amazonses.com   ~all "),
    "SPF with a closing dot in its include": _good(SPF, "v=spf1 include:amazonses.com. -all"),
    "SPF with a qualifier that is the default": _good(SPF, "v=spf1 +include:amazonses.com -all"),
    "SPF that redirects to that of SES": _good(SPF, "v=spf1 redirect=amazonses.com"),
    "SPF with an unknown modifier": _good(SPF, "v=spf1 include:amazonses.com x-note=mail ~all"),
    "SPF with an explanation": _good(SPF, "v=spf1 include:amazonses.com -all exp=why.example.com"),
    "SPF beside a site verification": _good(SPF, SPF_TEXT, VERIFICATION),
    "SPF beside several texts": _good(SPF, VERIFICATION, "v=spf1 include:amazonses.com -all", "MS=ms1234"),
    "SPF that does not name SES": _bad(
        SPF, _OTHER, "Change it to v=spf1 include:amazonses.com include:_spf.google.com -all",
        "v=spf1 include:_spf.google.com -all",
    ),
    "SPF that lets no one send": _bad(SPF, _OTHER, "Change it to v=spf1 include:amazonses.com -all", "v=spf1 -all"),
    "SPF that refuses everyone before it comes to SES": _bad(
        SPF, _OTHER, "Change it to v=spf1 include:amazonses.com -all", "v=spf1 -all include:amazonses.com"
    ),
    "SPF that is neutral about SES": _bad(
        SPF, _OTHER, "Change it to v=spf1 include:amazonses.com -all", "v=spf1 ?include:amazonses.com -all"
    ),
    "SPF that redirects to another": _bad(
        SPF, _OTHER, "Change it to v=spf1 include:amazonses.com redirect=_spf.example.net",
        "v=spf1 redirect=_spf.example.net",
    ),
    "SPF that redirects after all": _bad(
        SPF, _OTHER, "Change it to v=spf1 include:amazonses.com -all redirect=amazonses.com",
        "v=spf1 -all redirect=amazonses.com",
    ),
    "SPF of a name that ends alike": _bad(
        SPF, _OTHER, "include:amazonses.com include:notamazonses.com", "v=spf1 include:notamazonses.com ~all"
    ),
    "SPF with a term that is none": _bad(
        SPF, _OTHER, "Correct ~al in it", "v=spf1 include:amazonses.com ~al"
    ),
    "SPF with two redirects": _bad(
        SPF, _OTHER, "Correct redirect= (twice) in it",
        "v=spf1 include:amazonses.com redirect=a.example.net redirect=b.example.net",
    ),
    "SPF with too many look-ups": _bad(
        SPF, _OTHER, "Name fewer than 11 other names",
        " ".join(["v=spf1 include:amazonses.com", *(f"include:_{n}.example.net" for n in range(10)), "-all"]),
    ),
    "two SPF policies": _bad(
        SPF, _SEVERAL, "Keep only v=spf1 include:_spf.google.com include:amazonses.com -all",
        "v=spf1 include:_spf.google.com -all", SPF_TEXT,
    ),
    "texts of others where SPF is wanted": _bad(
        SPF, _SHARED, f"Add {SPF_TEXT} to it as one more value, and keep the others", VERIFICATION
    ),
    "a text that only begins like SPF": _bad(SPF, _SHARED, f"Add {SPF_TEXT}", "v=spf10 include:amazonses.com ~all"),
    "DMARC as it is wanted": _good(DMARC, DMARC.values[0]),
    "DMARC without blanks": _good(DMARC, "v=DMARC1;p=quarantine;rua=mailto:d@example.com;"),
    "DMARC with blanks everywhere": _good(DMARC, "v = DMARC1 ; p = quarantine ; rua = mailto:d@example.com ; "),
    "DMARC in another order, with defaults": _good(
        DMARC, "v=DMARC1; p=Quarantine; pct=100; rua=MAILTO:d@Example.COM; sp=quarantine; aspf=R; fo=1"
    ),
    "DMARC with tags in upper case": _good(DMARC, "V=DMARC1; P=quarantine; RUA=mailto:d@example.com"),
    "DMARC beside a site verification": _good(DMARC, DMARC.values[0], VERIFICATION),
    "DMARC that is weaker": _bad(
        DMARC, _OTHER, f"Change it to {DMARC.values[0]}", "v=DMARC1; p=none; rua=mailto:d@example.com"
    ),
    "DMARC that is stricter": _bad(
        DMARC, _OTHER, "It is stricter than spec.dmarc", "v=DMARC1; p=reject; rua=mailto:d@example.com"
    ),
    "DMARC that is stricter for subdomains": _bad(
        DMARC, _OTHER, "(sp=quarantine)", "v=DMARC1; p=none; sp=reject; rua=mailto:d@example.com"
    ),
    "DMARC with other reports": _bad(
        DMARC, _OTHER, f"Change it to {DMARC.values[0]}", "v=DMARC1; p=quarantine; rua=mailto:x@example.com"
    ),
    "two DMARC policies": _bad(
        DMARC, _SEVERAL, "Keep only", DMARC.values[0], "v=DMARC1; p=none"
    ),
    "DMARC in lower case, which is none": _bad(DMARC, _SHARED, f"Add {DMARC.values[0]}", "v=dmarc1; p=quarantine"),
    "the key as it is wanted": _good(KEY, KEY.values[0]),
    "the key with other tags": _good(KEY, f"p={MODULUS}; t=s; n=note"),
    "the key with blanks in it": _good(KEY, f"v=DKIM1;k=rsa;h=sha256;s=email; p={MODULUS[:8]} {MODULUS[8:]}"),
    "the key beside another text": _good(KEY, KEY.values[0], "note"),
    "another key": _bad(KEY, _OTHER, f"Change it to {KEY.values[0]}", "v=DKIM1; k=rsa; p=AAAA"),
    "a key that is revoked": _bad(KEY, _OTHER, f"Change it to {KEY.values[0]}", "v=DKIM1; k=rsa; p="),
    "the key for another algorithm": _bad(KEY, _OTHER, "Change it to", f"v=DKIM1; k=ed25519; p={MODULUS}"),
    "the key for SHA-1 alone": _bad(KEY, _OTHER, "Change it to", f"v=DKIM1; h=sha1; p={MODULUS}"),
    "two keys": _bad(KEY, _SEVERAL, f"Keep only {KEY.values[0]}", KEY.values[0], "p=AAAA"),
    "the DKIM name as it is wanted": _good(DKIM, DKIM.values[0]),
    "the DKIM name in another case": _good(DKIM, "ABC.dkim.AmazonSES.com"),
    "another DKIM name": _bad(DKIM, _OTHER, f"Change it to {DKIM.values[0]}", "abc.dkim.af-south-1.amazonses.com"),
    "the MX as it is wanted": _good(MX, MX.values[0]),
    "the MX in another case": _good(MX, f"10 Feedback-SMTP.{REGION}.AmazonSES.com"),
    "another MX": _bad(MX, _OTHER, f"Change it to {MX.values[0]}", "10 mail.example.net"),
    "a second MX": _bad(MX, _SEVERAL, f"Keep only {MX.values[0]}", MX.values[0], "20 mail.example.net"),
    "a CNAME to the right key": Row(KEY, (), RecordVerdict.PUBLISHED, alias=ELSEWHERE, behind=KEY.values),
    "a CNAME to another key": Row(KEY, (), _OTHER, alias=ELSEWHERE, behind=("v=DKIM1; p=AAAA",)),
    "a CNAME to nothing": Row(KEY, (), RecordVerdict.MISSING, alias=ELSEWHERE, behind=()),
    "a CNAME to the right DMARC policy": Row(DMARC, (), RecordVerdict.PUBLISHED, alias=ELSEWHERE, behind=DMARC.values),
    "a CNAME to the right SPF policy": Row(SPF, (), RecordVerdict.PUBLISHED, alias=ELSEWHERE, behind=(SPF_TEXT,)),
    "a CNAME to the right MX": Row(MX, (), RecordVerdict.HIDDEN, alias=ELSEWHERE, behind=MX.values),
}  # fmt: skip
