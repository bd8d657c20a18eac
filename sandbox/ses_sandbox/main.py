"""The command line: ``ses-sandbox serve``."""

from __future__ import annotations

import json
import signal
import threading
from datetime import timedelta

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run Amazon SES as it behaves, on your machine.

    Identities stay PENDING until their records are really in DNS, requests are throttled, 72 hours pass as fast as
    you like.
    """


def _address(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, int] | None:
    if value is None:
        return None
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdigit():
        raise click.BadParameter("expected HOST:PORT, such as 127.0.0.1:5353")
    return host, int(port)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--aws-port", default=0, show_default="a free one", help="Port of the AWS endpoint, for all services.")
@click.option("--dns-port", default=0, show_default="a free one", help="Port of the DNS server, UDP and TCP.")
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Simulated seconds per real second. 72 hours at 3600 are 72 seconds.",
)
@click.option(
    "--rate",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="SES requests per real second, for each action, account and region, as SES throttles. 0: no throttling.",
)
@click.option(
    "--route53-rate",
    default=5.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Route 53 requests per real second and account. 0: no throttling.",
)
@click.option(
    "--check-interval",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Simulated seconds from the start of a verification to the first lookup of its records, and between the first lookups.",
)
@click.option(
    "--recheck-interval",
    default=21600.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Simulated seconds between two lookups of records that are verified.",
)
@click.option(
    "--access-control",
    is_flag=True,
    help="Accept only access keys of IAM users and role sessions, and check their IAM policies. Without it any key is accepted.",
)
@click.option(
    "--seed-zone",
    "seed_zones",
    multiple=True,
    metavar="DOMAIN",
    help="A public hosted zone to create at the start. Repeatable.",
)
@click.option(
    "--resolver",
    callback=_address,
    metavar="HOST:PORT",
    help="The DNS server that SES queries for records. [default: the sandbox's own]",
)
def serve(
    host: str,
    aws_port: int,
    dns_port: int,
    speed: float,
    rate: float,
    route53_rate: float,
    check_interval: float,
    recheck_interval: float,
    access_control: bool,
    seed_zones: tuple[str, ...],
    resolver: tuple[str, int] | None,
) -> None:
    """Serve until SIGTERM or Ctrl-C.

    When it is ready it prints one line of JSON:

      {"aws": "http://127.0.0.1:4566", "dns": "127.0.0.1:5353", "zones": {"example.com": "Z…"}}

    \b
    Use the address as endpoint_url of boto3, or as AWS_ENDPOINT_URL. GET /_sandbox lists what you can do to the sandbox itself:
      curl $AWS/_sandbox/state                                  identities and settings
      curl $AWS/_sandbox/calls                                  calls that were made
      curl $AWS/_sandbox/outbox                                 mail that was sent
      curl $AWS/_sandbox/clock -d '{"advanceHours": 73}'        let time pass
      curl $AWS/_sandbox/faults -d '{"kind": "throttle"}'       let things go wrong
    """
    # moto takes its time to import; --help does not wait for it.
    from ses_sandbox.route53 import Route53Settings
    from ses_sandbox.server import SandboxServer
    from ses_sandbox.ses.verifier.schedule import CheckSchedule
    from ses_sandbox.settings import SandboxSettings

    settings = SandboxSettings(
        host=host,
        aws_port=aws_port,
        dns_port=dns_port,
        speed=speed,
        rate=rate,
        access_control=access_control,
        seed_zones=seed_zones,
        resolver=resolver,
        schedule=CheckSchedule(interval=timedelta(seconds=check_interval), recheck=timedelta(seconds=recheck_interval)),
        route53=Route53Settings(requests_per_second=route53_rate),
    )
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with SandboxServer(settings) as sandbox:
            dns_host, dns_port = sandbox.dns_address
            ready = {"aws": sandbox.aws_url, "dns": f"{dns_host}:{dns_port}", "zones": dict(sandbox.seeded_zones)}
            click.echo(json.dumps(ready))
            stopped.wait()
    except OSError as error:
        raise click.ClickException(f"cannot listen: {error}") from None


if __name__ == "__main__":
    main()
