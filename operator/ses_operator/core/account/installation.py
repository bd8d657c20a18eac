"""The installation record: what an installation has to know although everything else of the cluster is lost. Pure.

It is a ConfigMap of the operator's own namespace, where tenants cannot write. It holds the installation id that the
installation began with, and the AWS account of each SesAccount, from the first write made there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

INSTALLATION_ID = "installationID"
ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class InstallationRecord:
    """The contents of the record. ``accounts``: ids of AWS accounts by the names of SesAccounts."""

    installation_id: str
    accounts: Mapping[str, str] = field(default_factory=dict)

    def with_account(self, name: str, account_id: str) -> InstallationRecord:
        """Return the record with the AWS account of this SesAccount."""
        return replace(self, accounts={**self.accounts, name: account_id})

    def without_account(self, name: str) -> InstallationRecord:
        """Return the record without this SesAccount."""
        return replace(self, accounts={key: value for key, value in self.accounts.items() if key != name})

    def encode(self) -> dict[str, str]:
        """Return the data of the ConfigMap."""
        accounts = json.dumps(dict(sorted(self.accounts.items())), indent=1)
        return {INSTALLATION_ID: self.installation_id, ACCOUNTS: accounts}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the operator does not start, in words for those who run it."""

    message: str


def decode(name: str, data: Mapping[str, str]) -> InstallationRecord | Refusal:
    """Read the data of the ConfigMap ``name`` (namespace/name). What cannot be read is not replaced: a person has to look."""
    installation_id = data.get(INSTALLATION_ID)
    if not installation_id:
        return _damaged(name, f"has no {INSTALLATION_ID}")
    try:
        accounts = json.loads(data.get(ACCOUNTS) or "{}")
    except (ValueError, RecursionError):
        accounts = None
    if not isinstance(accounts, dict) or not all(isinstance(each, str) for each in accounts.values()):
        return _damaged(name, f"has a value of {ACCOUNTS} that is not a JSON object of AWS account ids by SesAccount")
    return InstallationRecord(installation_id, accounts)


def begun(
    name: str, record: InstallationRecord | None, installation_id: str, confirmed: str
) -> InstallationRecord | Refusal:
    """Return the record to run with under ``installation_id``; a refusal if it began with another that is not ``confirmed``."""
    if record is None:
        return InstallationRecord(installation_id)
    if record.installation_id == installation_id:
        return record
    if confirmed == installation_id:
        return replace(record, installation_id=installation_id)
    former = record.installation_id
    return Refusal(
        f"ConfigMap {name} records that this installation is {former!r}, and it was started as {installation_id!r}. "
        f"Nothing was changed. All that it made names {former!r} as its owner: under another id every object would report "
        f"OwnedByAnother, and nothing would be managed. To go on as before, set installationID to {former!r} again. To "
        f"change the id, hand over first, while the operator still runs as {former!r}: "
        f"`ses-operator handover --to {installation_id} --all-namespaces`; or let the new id inherit "
        f"(settings.inheritFrom={former}). Then confirm it: confirmInstallationID={installation_id} "
        f"(--confirm-installation-id). See docs/handover.md"
    )


def _damaged(name: str, what: str) -> Refusal:
    return Refusal(
        f"ConfigMap {name}, the record of this installation, {what}. Restore it from a backup; or delete it, if "
        "installationID is the id that the installation has always had: a new record is then made"
    )
