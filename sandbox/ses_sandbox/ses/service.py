"""SES's API: from a request to an operation, in both versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from ses_sandbox.access.caller import Caller
from ses_sandbox.access.guard import Permits
from ses_sandbox.clock import Clock
from ses_sandbox.errors import AwsError
from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.operations import (
    account,
    dkim,
    identity,
    metrics,
    policy,
    sending,
    templates,
    tenants,
    v1,
    v1_shared,
)
from ses_sandbox.ses.protocol.query import QueryProtocol
from ses_sandbox.ses.protocol.wire import Match, RestJson, service_model, to_json
from ses_sandbox.ses.state.store import Store

V2_OPERATIONS: Mapping[str, Operation] = {
    **identity.OPERATIONS,
    **dkim.OPERATIONS,
    **account.OPERATIONS,
    **policy.OPERATIONS,
    **templates.OPERATIONS,
    **metrics.V2_OPERATIONS,
    **sending.OPERATIONS,
    **tenants.OPERATIONS,
}
V1_OPERATIONS: Mapping[str, Operation] = {
    **v1.OPERATIONS,
    **v1_shared.OPERATIONS,
    **metrics.V1_OPERATIONS,
}
V1_CODES = {
    "BadRequestException": "InvalidParameterValue",
    "NotFoundException": "InvalidParameterValue",
    "LimitExceededException": "LimitExceeded",
    "SendingPausedException": "AccountSendingPausedException",
    "TooManyRequestsException": "Throttling",
}
"""Error codes of the first version for rules that both versions share."""

OLD_LIST_QUERY = {"ListEmailIdentities": {"PageSize": ("PageSize", "integer"), "NextToken": ("NextToken", "string")}}

Params = Mapping[str, Any]


class Version(Enum):
    """The versions of SES's API."""

    V1 = "2010-12-01"
    V2 = "2019-09-27"


@dataclass(frozen=True, slots=True)
class CallContext:
    """The caller, its region and address, and what else it may do."""

    caller: Caller
    region: str
    permits: Permits
    source_ip: str


@cache
def _protocols() -> tuple[RestJson, QueryProtocol]:
    """Return what parses the input of both APIs. It holds no state, and takes its time to compile: once a process."""
    return RestJson(service_model("sesv2"), OLD_LIST_QUERY), QueryProtocol(service_model("ses"))


class SesService:
    """The operations that the sandbox carries out itself."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self._v2, self._v1 = _protocols()

    def answers(self, version: Version, operation: str) -> bool:
        """Return True if an operation is carried out here, and not by moto."""
        return operation in (V2_OPERATIONS if version is Version.V2 else V1_OPERATIONS)

    def parse_v2(self, match: Match, query_string: str, body: bytes) -> dict[str, Any]:
        """Return the checked input. Raises BadRequestException."""
        return self._v2.parse(match, query_string, body)

    def parse_v1(self, operation: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the checked input. Raises ValidationError."""
        return self._v1.parse(operation, form)

    def is_opted_in(self, account: str, region: str) -> bool:
        """Return True if an account has a region enabled."""
        with self.store.lock:
            return self.store.region(account, region).settings.opted_in

    def tags_of(self, account: str, region: str, name: str) -> dict[str, str]:
        """Return the tags of an identity; {} if there is none."""
        with self.store.lock:
            found = self.store.region(account, region).find(name)
            return {} if found is None else dict(found.tags)

    def call(self, version: Version, operation: str, params: Params, ctx: CallContext) -> bytes:
        """Carry an operation out; return the answer in the version's wire format. Raises AwsError."""
        table = V2_OPERATIONS if version is Version.V2 else V1_OPERATIONS
        with self.store.lock:
            state = self.store.region(ctx.caller.account, ctx.region)
            context = Context(self.store, state, ctx.caller, self._clock.now(), ctx.permits, ctx.source_ip)
            try:
                output = table[operation](context, params)
            except AwsError as error:
                raise error if version is Version.V2 else _as_v1(error) from None
            return to_json(output) if version is Version.V2 else self._v1.serialize(operation, output)


def _as_v1(error: AwsError) -> AwsError:
    return AwsError(400, V1_CODES.get(error.code, error.code), error.message)
