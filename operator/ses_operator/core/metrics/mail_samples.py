"""The gauges over the fate of mail. Pure.

Shares are left to the query: bounces and complaints are numbers of messages over the same days.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ses_operator.core.metrics import registry as metrics
from ses_operator.core.metrics.identity_metrics import ABSENT, Sample, Standing
from ses_operator.core.metrics.mail_figures import AccountMail, MailEvent, RegionMail
from ses_operator.core.model.keys import ObjectKey

Place = tuple[str, str]
"""The name of a SesAccount, and a region."""


@dataclass(frozen=True, slots=True)
class Senders:
    """The possible senders: for each account and region the objects whose identity SES has there, and their names at SES.

    An object that was refused, because another holds the domain, has seen nothing at SES: it gets no figures of its
    mail.
    """

    at: Mapping[Place, frozenset[ObjectKey]]
    names: Mapping[ObjectKey, str]

    @classmethod
    def of(
        cls,
        by_mark: Iterable[tuple[Hashable, Iterable[ObjectKey]]],
        by_name: Iterable[tuple[Hashable, Iterable[ObjectKey]]],
    ) -> Senders:
        """Make the value from two indexes of the objects: by metric labels, and by the name of the identity at SES."""
        at: dict[Place, frozenset[ObjectKey]] = {}
        for mark, keys in by_mark:
            if isinstance(mark, Standing) and mark.status != ABSENT:
                place = (mark.account, mark.region)
                at[place] = at.get(place, frozenset()).union(keys)
        return cls(at, {key: str(name) for name, keys in by_name for key in keys})

    def names_at(self, place: Place) -> list[str]:
        """Return the names to query, in order."""
        return sorted({self.names[key] for key in self.at.get(place, ()) if key in self.names})


def mail_samples(known: Mapping[Place, RegionMail], senders: Senders) -> Iterator[Sample]:
    """Yield one sample for each account and region, and one for each event of each identity that has sent."""
    for place, mail in known.items():
        yield Sample(metrics.MAIL_COUNTED, place, float(mail.by_identity is not None))
        yield from _account_samples(place, mail.account)
        for key in senders.at.get(place, ()):
            yield from _identity_samples(key, place, (mail.by_identity or {}).get(senders.names.get(key, ""), {}))


def _account_samples(place: Place, mail: AccountMail) -> Iterator[Sample]:
    events = {
        MailEvent.SENT.value: mail.attempted,
        "BOUNCE": mail.bounced,
        MailEvent.COMPLAINT.value: mail.complained,
        "REJECT": mail.rejected,
    }
    for event, messages in events.items():
        yield Sample(metrics.ACCOUNT_MAIL, (*place, event), messages)


def _identity_samples(key: ObjectKey, place: Place, figures: Mapping[MailEvent, int]) -> Iterator[Sample]:
    if figures.get(MailEvent.SENT):
        for event, messages in figures.items():
            yield Sample(metrics.IDENTITY_MAIL, (key.namespace, key.name, *place, event.value), messages)
