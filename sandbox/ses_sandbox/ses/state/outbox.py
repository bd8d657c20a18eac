"""Mail that SES would have sent."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    """One mail. ``kind``: ``message``, or ``verification`` with its ``link``.

    ``mail_from``: the domain of the envelope. ``dkim_domain``: of the signature (d=), None for unsigned mail.
    ``raw``: the source of a raw message, as text.
    """

    id: str
    kind: str
    at: datetime
    account: str
    region: str
    identity: str
    sender: str
    to: Sequence[str]
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    reply_to: Sequence[str] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    raw: str | None = None
    mail_from: str = "amazonses.com"
    dkim_domain: str | None = None
    configuration_set: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """The address that a verification link proves, and where."""

    account: str
    region: str
    address: str


class Outbox:
    """The newest messages, and the links of verification mails. Safe for use by several threads.

    ``base_url``: of the AWS endpoint; links begin with it.
    """

    def __init__(self, base_url: str = "http://127.0.0.1") -> None:
        self.base_url = base_url
        self._lock = Lock()
        self._messages: deque[Message] = deque(maxlen=KEPT)
        self._links: dict[str, Link] = {}

    def add(self, message: Message) -> None:
        """Keep a message."""
        with self._lock:
            self._messages.append(message)

    def send_verification(
        self, account: str, region: str, address: str, now: datetime, template: Mapping[str, str] | None = None
    ) -> Message:
        """Send the mail that asks the owner of an address to follow a link. It replaces earlier links to the address.

        ``template``: the fields of a custom verification email template, by the names of the API.
        """
        token = secrets.token_urlsafe(24)
        link = f"{self.base_url}/_sandbox/verify?token={token}"
        target = Link(account, region, address)
        with self._lock:
            self._links = {known: meant for known, meant in self._links.items() if meant != target}
            self._links[token] = target
        words = template or {
            "FromEmailAddress": "no-reply-aws@amazon.com",
            "TemplateSubject": f"Amazon Web Services – Email Address Verification Request in region {region}",
            "TemplateContent": "Please follow this link within 24 hours to confirm this address:",
        }
        message = Message(
            id=secrets.token_hex(16),
            kind="verification",
            at=now,
            account=account,
            region=region,
            identity=address,
            sender=words["FromEmailAddress"],
            to=(address,),
            subject=words["TemplateSubject"],
            text=f"{words['TemplateContent']} {link}",
            link=link,
        )
        self.add(message)
        return message

    def link(self, token: str) -> Link | None:
        """Return what a link proves; None for one that was never sent, or was replaced."""
        with self._lock:
            return self._links.get(token)

    def messages(self) -> tuple[Message, ...]:
        """Return all messages, oldest first."""
        with self._lock:
            return tuple(self._messages)

    def clear(self) -> None:
        """Forget messages and links."""
        with self._lock:
            self._messages.clear()
            self._links.clear()
