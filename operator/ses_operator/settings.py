"""The settings, each once: the command line, its environment variables and the documentation are made from here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from ses_operator.core.model.keys import DNS_LABEL
from ses_operator.core.model.regions.aws_regions import REGION_SHAPE
from ses_operator.runtime.lease.election import LeaseTiming

ENVIRONMENT_PREFIX = "SES_OPERATOR_"

OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")

_SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class LogFormat(StrEnum):
    """The formats of log lines."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe messages that are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class MetricsDetail(StrEnum):
    """The detail in which metrics show identities."""

    TOTALS = "totals"
    IDENTITIES = "identities"


def setting(help_text: str) -> dict[str, str]:
    """Return the metadata of a field of ``Settings``: its documentation."""
    return {"help": help_text}


def own_namespace() -> str:
    """Return the namespace of the pod that this runs in, ``default`` outside of one."""
    if _SERVICE_ACCOUNT_NAMESPACE.exists():
        return _SERVICE_ACCOUNT_NAMESPACE.read_text(encoding="utf-8").strip()
    return "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one replica of the operator. Durations in seconds. Raises ValueError for invalid values."""

    installation_id: str = field(
        metadata=setting(
            "Names this installation in everything it makes outside the cluster. Two clusters that share an AWS account must"
            " differ in it; a cluster restored from backup keeps it. A DNS label."
        )
    )
    namespace: str = field(
        default="",
        metadata=setting(
            "Namespace of the operator: of its Lease, and of the Secrets that SesAccounts name. Empty: that of the pod."
        ),
    )
    installation_record: str = field(
        default="ses-operator-installation",
        metadata=setting(
            "Name of the ConfigMap in the operator's namespace that the operator creates and keeps: the installation id that it"
            " began with, and the AWS account of each SesAccount. Operators of one namespace have one each."
        ),
    )
    confirm_installation_id: str = field(
        default="",
        metadata=setting(
            "The installation id once more, to confirm that it is another than the recorded one: what was made under that one"
            " is not owned any more, unless it was handed over or is inherited."
        ),
    )
    watch_namespaces: str = field(
        default="",
        metadata=setting("Namespaces whose SesIdentities are looked after, separated by commas. Empty: all."),
    )
    inherit_from: str = field(
        default="",
        metadata=setting(
            "Installations that are no more, separated by commas: what their objects owned is owned by the objects of the same"
            " namespace and name here, from the moment in which these are applied."
        ),
    )
    additional_regions: str = field(
        default="",
        metadata=setting(
            "SES regions that are newer than this version, separated by commas. Others that it does not know are refused."
        ),
    )
    kubeconfig: str = field(
        default="", metadata=setting("Path of a kubeconfig. Empty: $KUBECONFIG, else the pod's service account.")
    )
    workers: int = field(default=32, metadata=setting("SesIdentities that are reconciled at the same time."))
    urgent_workers: int = field(
        default=8, metadata=setting("More of them, kept free for what a person has just changed.")
    )
    aws_connections: int = field(default=16, metadata=setting("Calls to AWS that are made at the same time."))
    pending_poll: float = field(
        default=15.0, metadata=setting("How often SES is asked while a verification is pending.")
    )
    idle_poll: float = field(default=300.0, metadata=setting("How often SES is asked while none is."))
    sweep_interval: float = field(
        default=86_400.0, metadata=setting("Each identity is read in full once in this time, to find drift.")
    )
    lease_duration: float = field(
        default=15.0, metadata=setting("A replica that has not renewed its Lease for so long is taken for dead.")
    )
    lease_renew_deadline: float = field(
        default=10.0, metadata=setting("A replica that could not renew its Lease for so long stops.")
    )
    lease_retry_period: float = field(default=2.0, metadata=setting("How often the Lease is renewed, or tried for."))
    shutdown_grace: float = field(
        default=20.0, metadata=setting("How long running reconciles may take to end when the operator is stopped.")
    )
    bind_address: str = field(default="", metadata=setting("Address that metrics and probes listen on. Empty: all."))
    metrics_port: int = field(default=8080, metadata=setting("Port of /metrics. 0: any free one."))
    probe_port: int = field(default=8081, metadata=setting("Port of /healthz and /readyz. 0: any free one."))
    metrics_detail: MetricsDetail = field(
        default=MetricsDetail.TOTALS,
        metadata=setting(
            "totals, or identities: beside them series for each SesIdentity and region by its name. Those are as many as"
            " there are identities and regions."
        ),
    )
    mail_figures_interval: float = field(
        default=0.0,
        metadata=setting(
            "How often SES is asked what became of the mail of each identity, for the metrics: 21600 is every six hours."
            " 0: never."
        ),
    )
    log_format: LogFormat = field(default=LogFormat.TEXT, metadata=setting("text or json."))
    log_level: LogLevel = field(default=LogLevel.INFO, metadata=setting("debug, info, warning or error."))

    def __post_init__(self) -> None:
        _require(
            bool(self.installation_id),
            f"{_given('installation_id')} is required: choose a name no other cluster with the same AWS account uses, such "
            "as prod-eu",
        )
        _require(
            DNS_LABEL.fullmatch(self.installation_id) is not None,
            f"{_given('installation_id')} is {self.installation_id!r}: use up to 63 lower-case letters, digits and hyphens, "
            "with a "
            "letter or digit at both ends",
        )
        for inherited in self.inherited:
            _require(
                DNS_LABEL.fullmatch(inherited) is not None and inherited != self.installation_id,
                f"{_given('inherit_from')} has {inherited!r}, which is not the id of another installation",
            )
        _require(
            OBJECT_NAME.fullmatch(self.installation_record) is not None,
            f"{_given('installation_record')} is {self.installation_record!r}, which is not the name of a ConfigMap",
        )
        for region in self.added_regions:
            _require(
                REGION_SHAPE.fullmatch(region) is not None,
                f"{_given('additional_regions')} has {region!r}, which is not the code of a region, such as eu-west-1",
            )
        for namespace in self.namespaces:
            _require(
                DNS_LABEL.fullmatch(namespace) is not None,
                f"{_given('watch_namespaces')} has {namespace!r}, which is not the name of a namespace",
            )
        for name in ("workers", "aws_connections"):
            _require(getattr(self, name) >= 1, f"{_given(name)} is {getattr(self, name)}: it must be at least 1")
        _ = self.lease_timing  # raises for timings that would not be safe
        for name in ("pending_poll", "idle_poll", "sweep_interval"):
            _require(
                getattr(self, name) > 0, f"{_given(name)} is {getattr(self, name)}: it must be more than 0 seconds"
            )
        for name in ("urgent_workers", "shutdown_grace", "mail_figures_interval"):
            _require(getattr(self, name) >= 0, f"{_given(name)} is {getattr(self, name)}: it must not be negative")

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces to watch; empty means all."""
        return _names(self.watch_namespaces)

    @property
    def inherited(self) -> tuple[str, ...]:
        """The installations that this one inherits from."""
        return _names(self.inherit_from)

    @property
    def added_regions(self) -> tuple[str, ...]:
        """The SES regions that are newer than the catalogue."""
        return _names(self.additional_regions)

    @property
    def lease_timing(self) -> LeaseTiming:
        """The timing of the Lease. Raises ValueError for timings that would not be safe."""
        try:
            return LeaseTiming(self.lease_duration, self.lease_renew_deadline, self.lease_retry_period)
        except ValueError as error:
            raise ValueError(
                f"{_given('lease_duration')} is {self.lease_duration}: it must be more than "
                f"{_given('lease_renew_deadline')}, which "
                f"is {self.lease_renew_deadline}, and that more than {_given('lease_retry_period')}, which is "
                f"{self.lease_retry_period} and must be more than 0"
            ) from error

    @property
    def operator_namespace(self) -> str:
        """The namespace of the operator itself."""
        return self.namespace or own_namespace()


@dataclass(frozen=True, slots=True)
class Option:
    """One setting as it is given: ``--flag`` or environment variable. ``default`` None: it must be given."""

    name: str
    flag: str
    variable: str
    help: str
    type: type
    default: str | int | float | None


def options() -> tuple[Option, ...]:
    """Return every setting, in the order in which they are documented."""
    return tuple(map(_option, fields(Settings)))


def from_mapping(values: Mapping[str, Any]) -> Settings:
    """Make settings from values by field name, each converted to its type; None counts as not given."""
    types = {option.name: option.type for option in options()}
    return Settings(**{name: types[name]("" if value is None else value) for name, value in values.items()})


def _option(found: Field[Any]) -> Option:
    default = None if found.default is MISSING else found.default
    return Option(
        name=found.name,
        flag=_flag(found.name),
        variable=_variable(found.name),
        help=found.metadata["help"],
        type=str if default is None else type(default),
        default=default,
    )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()


def _given(name: str) -> str:
    """Return how a setting is given, as messages name it."""
    return f"{_flag(name)} ({_variable(name)})"


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted({name.strip() for name in text.split(",") if name.strip()}))


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)
