"""The rules of SES for the body of a custom verification email, checked before SES is called. Pure.

Source: SES Developer Guide, "Custom verification email frequently asked questions", Q5: the table of tags and
attributes, no comments, at most 10 MB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

MAX_BYTES = 10_000_000
NEW_LINE = "\n"
MAX_FAULTS = 3
"""The number of faults that are reported at once: the first ones show what is wrong with the rest."""

COMMON = frozenset({"class", "id", "style", "title"})
"""The attributes that every tag may have."""

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


_MARKUP = re.compile(
    r"<(?:(?P<tag>[a-z][^\s/>]*)|(?P<end>/(?=[a-z>]))|(?P<other>!--|!\[|!doctype|[!?/]))", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"""[\s/]*(?:(?P<end>>)|(?P<name>[^\s/>][^\s/>=]*)(?:\s*=\s*(?P<value>["']|[^\s>]*))?)""")
"""Neither pattern backtracks over what it has read: the time that they take grows with the length, whatever the text is."""

_OTHERS: Mapping[str, tuple[str | None, str]] = {
    "!--": ("remove the comment", "-->"),
    "![": ("remove the marked section <![...", "]"),
    "!doctype": (None, ">"),
    "!": ("remove the comment", ">"),
    "/": ("remove the comment", ">"),
    "?": ("remove the processing instruction <?...", ">"),
}
"""By what begins after the <: what to do about it, and what it ends with (HTML Standard, 13.2.5)."""


def content_fault(content: str) -> str | None:
    """Return what is wrong with the body of an email, with the lines; None if SES should accept it."""
    if len(content.encode()) > MAX_BYTES:
        return f"spec.content has more than {MAX_BYTES // 1_000_000} MB. Make it shorter"
    told: list[str] = []
    more = 0
    for position, words in _faults(content):
        if len(told) < MAX_FAULTS:
            told.append(f"{words} in line {content.count(NEW_LINE, 0, position) + 1}")
        else:
            more += 1
    if not told:
        return None
    return f"spec.content has what SES does not allow: {'; '.join(told)}{f'; and {more} more' if more else ''}"


def _faults(content: str) -> Iterator[tuple[int, str]]:
    """Yield each fault with the position of the tag that has it. A tag that is never closed is text."""
    position = 0
    while (found := _MARKUP.search(content, position)) is not None:
        start, position = found.start(), found.end()
        if found["tag"]:
            attributes, position = _attributes(content, position)
            if position < 0:
                return
            for words in _faults_of_tag(found["tag"].lower(), attributes):
                yield start, words
            continue
        fault, closing = (None, ">") if found["end"] else _OTHERS[found["other"].lower()]
        if fault is not None:
            yield start, fault
        end = content.find(closing, position)
        if end < 0:
            return
        position = end + len(closing)


def _attributes(content: str, position: int) -> tuple[list[str], int]:
    """Return the names of the attributes that follow a tag's name, and where the tag ends; -1 if it never does."""
    names: list[str] = []
    while (found := _ATTRIBUTE.match(content, position)) is not None:
        position = found.end()
        if found["end"]:
            return names, position
        names.append(found["name"].lower())
        if found["value"] in ("'", '"'):
            position = content.find(found["value"], position) + 1
            if position == 0:
                break
    return names, -1


def _faults_of_tag(tag: str, attributes: list[str]) -> Iterator[str]:
    allowed = ALLOWED.get(tag)
    if allowed is None:
        hint = " (SES adds the link itself)" if tag == "a" else ""
        yield f"remove the tag <{tag}>{hint}"
        return
    yield from (f"remove the attribute {name} of <{tag}>" for name in attributes if name not in allowed)
