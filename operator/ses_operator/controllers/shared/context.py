"""The parts that the controllers of one replica share: settings, the cluster, the way to AWS, and the events between them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.account.notifications import Moment
from ses_operator.aws.calls.executor import Executor
from ses_operator.controllers.shared.accounts import Accounts
from ses_operator.controllers.shared.admissions import Admissions
from ses_operator.controllers.shared.cluster import Cluster
from ses_operator.controllers.shared.email_delivery import EmailDelivery
from ses_operator.controllers.shared.identity_objects import IdentityObjects
from ses_operator.controllers.shared.installation import InstallationKeeper
from ses_operator.controllers.shared.telemetry import Telemetry
from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.source import Source
from ses_operator.runtime.watch.cache import ObjectStore
from ses_operator.settings import Settings


def time_of_day() -> datetime:
    """Return the time as status has it."""
    return datetime.now(UTC)


class ControllerContext:
    """Passed to each package of ``controllers`` when it registers its controller.

    ``installation`` keeps the installation record, ``accounts`` are the AWS accounts that are open, ``objects`` writes
    SesIdentities, ``emails`` has the results of emails; ``finished_templates`` emits the SesVerificationTemplates that
    every region has.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        telemetry: Telemetry,
        now: Callable[[], datetime] = time_of_day,
    ) -> None:
        """Take ``now``, the time of day; durations in seconds are measured by the clock of the running event loop."""
        self.settings = settings
        self.cluster = cluster
        self.telemetry = telemetry
        self.now = now
        self.executor = Executor(cluster.client.gate, settings.aws_connections)
        self.installation = InstallationKeeper(cluster.client, settings)
        self.accounts = Accounts(cluster.accounts, settings.installation_id)
        self.admissions = Admissions(cluster.accounts, cluster.namespaces)
        self.objects = IdentityObjects(
            cluster.client, cluster.identities, cluster.events, _moments_of(cluster.accounts)
        )
        self.objects.reports.subscribe(lambda report: telemetry.on_status(report.before, report.status))
        self.emails = EmailDelivery()
        self.finished_templates: Source[ObjectKey] = Source()


def _moments_of(accounts: ObjectStore[SesAccount]) -> Callable[[str], Collection[Moment]]:
    """Return a function to the moments that a SesAccount, by its name, reports by email."""

    def moments(account: str) -> Collection[Moment]:
        found = accounts.get(ObjectKey("", account))
        return found.spec.notifications.moments if found and found.spec.notifications else ()

    return moments
