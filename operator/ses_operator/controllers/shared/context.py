"""What the controllers of one replica share: its view of the cluster, the way to AWS, and what they tell one another."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.account.notifications import Moment
from ses_operator.aws.calls.executor import Executor
from ses_operator.controllers.shared.accounts import Accounts
from ses_operator.controllers.shared.admissions import Admissions
from ses_operator.controllers.shared.cluster import Cluster
from ses_operator.controllers.shared.email_delivery import EmailDelivery
from ses_operator.controllers.shared.identity_objects import IdentityObjects
from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.source import Source
from ses_operator.runtime.watch.cache import ObjectStore


class Context:
    """Given to each package of ``controllers`` when it registers its controller.

    ``accounts`` are the AWS accounts that are open, ``objects`` writes SesIdentities, ``emails`` knows what became of emails;
    ``finished_templates`` tells the SesVerificationTemplates that stand in every region.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.executor = Executor(cluster.client.gate, cluster.settings.aws_connections)
        self.accounts = Accounts(cluster.accounts, cluster.settings.installation_id)
        self.admissions = Admissions(cluster.accounts, cluster.namespaces)
        self.objects = IdentityObjects(
            cluster.client, cluster.identities, cluster.events, _moments_of(cluster.accounts)
        )
        self.objects.reports.subscribe(lambda report: cluster.telemetry.on_status(report.before, report.status))
        self.emails = EmailDelivery()
        self.finished_templates: Source[ObjectKey] = Source()


def _moments_of(accounts: ObjectStore[SesAccount]) -> Callable[[str], Collection[Moment]]:
    """What a SesAccount, by its name, tells of by email."""

    def moments(account: str) -> Collection[Moment]:
        found = accounts.get(ObjectKey("", account))
        return found.spec.notifications.moments if found and found.spec.notifications else ()

    return moments
