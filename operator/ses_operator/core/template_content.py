"""What SES allows in a custom verification email, checked before it is asked. Pure.

Source: SES Developer Guide, "Custom verification email frequently asked questions", Q5: the table of tags and attributes, no
comments, at most 10 MB.
"""

from __future__ import annotations

from html.parser import HTMLParser

MAX_BYTES = 10_000_000
MAX_FAULTS = 3
"""Faults that are told at once: the first ones show what is wrong with the rest."""

COMMON = frozenset({"class", "id", "style", "title"})
"""Every tag may have these."""

_PLAIN = (
    "abbr acronym address area b bdo big body br button caption center cite code dd del dfn dir div dl dt em fieldset font form "
    "h1 h2 h3 h4 h5 h6 head hr html i input ins kbd label legend li map menu optgroup option p pre s samp select small span "
    "strike strong sub sup tbody textarea tfoot thead tr tt u var"
)
_MORE = {
    "blockquote": "cite",
    "col": "span width",
    "colgroup": "span width",
    "img": "align alt height src width",
    "ol": "start type",
    "q": "cite",
    "table": "summary width",
    "td": "abbr axis colspan rowspan width",
    "th": "abbr axis colspan rowspan scope width",
    "ul": "type",
}
ALLOWED = dict.fromkeys(_PLAIN.split(), COMMON) | {tag: COMMON | {*more.split()} for tag, more in _MORE.items()}
"""The attributes that each tag may have, by tag."""


def content_fault(content: str) -> str | None:
    """What is wrong with the body of an email, with the line where it stands; None where SES should take it."""
    if len(content.encode()) > MAX_BYTES:
        return f"spec.content has more than {MAX_BYTES // 1_000_000} MB; make it shorter"
    reader = _Reader()
    reader.feed(content)
    reader.close()
    if not reader.faults:
        return None
    more = len(reader.faults) - MAX_FAULTS
    told = "; ".join(reader.faults[:MAX_FAULTS])
    return f"spec.content has what SES does not allow: {told}{f'; and {more} more' if more > 0 else ''}"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        allowed = ALLOWED.get(tag)
        if allowed is None:
            hint = " (SES adds the link itself)" if tag == "a" else ""
            self._fault(f"remove the tag <{tag}>{hint}")
            return
        for name, _ in attrs:
            if name not in allowed:
                self._fault(f"remove the attribute {name} of <{tag}>")

    def handle_comment(self, data: str) -> None:
        del data
        self._fault("remove the comment")

    def unknown_decl(self, data: str) -> None:
        del data
        self._fault("remove the marked section <![...")

    def handle_pi(self, data: str) -> None:
        del data
        self._fault("remove the processing instruction <?...")

    def _fault(self, words: str) -> None:
        self.faults.append(f"{words} in line {self.getpos()[0]}")
