"""An application team whose SesAccount tells a platform team by email what becomes of identities, and what that team gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cluster.tenant import Tenant
from devcluster.apiclient import ACCOUNTS
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.account.notifications import NotificationsStatus

MONTREAL = "ca-central-1"


@dataclass(frozen=True)
class Mailroom:
    """``tenant`` has a SesAccount of its own; identities are below its domain, and called by the first label of theirs."""

    tenant: Tenant

    @property
    def sender(self) -> str:
        return f"ses@ops.{self.tenant.domain}"

    @property
    def recipient(self) -> str:
        """Under the same domain: the account is in the sandbox of SES."""
        return f"team@ops.{self.tenant.domain}"

    def open(self, *, verified: bool = True, **notifications: Any) -> None:
        """Has the account send notifications, from a domain that is verified or not."""
        if verified:
            self.verify_sender()
        asked = {"from": self.sender, "to": [self.recipient], "region": MONTREAL, "stuckAfter": "2s"}
        self.change_account({"spec": {"notifications": {**asked, **notifications}}})

    def verify_sender(self) -> None:
        self.tenant.create(MONTREAL, name="ops", domain=f"ops.{self.tenant.domain}")
        self.tenant.ready("ops")

    def change_account(self, patch: dict[str, Any]) -> None:
        self.tenant.api.patch(f"{ACCOUNTS}/{self.tenant.account}", patch)

    def account(self) -> SesAccount:
        return SesAccount.model_validate(self.tenant.api.get(f"{ACCOUNTS}/{self.tenant.account}"))

    def complaint(self) -> NotificationsStatus | None:
        """What the status of the account says of emails."""
        return self.account().status.notifications

    def add(self, name: str, **spec: Any) -> None:
        """An identity whose records nobody publishes."""
        domain = f"{name}.{self.tenant.domain}"
        self.tenant.create(MONTREAL, name=name, domain=domain, dns={"provider": "Manual"}, **spec)

    def publish(self, name: str) -> None:
        """Somebody publishes what the status of an identity lists."""
        for record in self.tenant.wait(lambda: self._listed(name), "the records to publish") or ():
            self.tenant.add_record(record.name.removesuffix(f".{self.tenant.domain}"), record.type, *record.values)

    def _listed(self, name: str) -> Any:
        identity = self.tenant.identity(name)
        return identity and identity.status.dns and identity.status.dns.records

    def notified(self, name: str) -> str | None:
        """What status says was told of an identity."""
        identity = self.tenant.identity(name)
        return identity.status.notified if identity else None

    def mail(self, *words: str) -> list[dict[str, Any]]:
        """The notifications that were sent with all of these words in their subject, oldest first."""
        messages = self.tenant.environment.sandbox.ask("outbox")["messages"]
        ours = [mail for mail in messages if mail["kind"] == "message" and mail["sender"] == self.sender]
        return [mail for mail in ours if all(word in mail["subject"] for word in words)]

    def gets(self, *words: str, count: int = 1) -> list[dict[str, Any]]:
        """Waits until so many were sent; these."""
        self.tenant.wait(lambda: len(self.mail(*words)) >= count, f"{count} emails about {words}")
        return self.mail(*words)
