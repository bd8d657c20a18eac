"""Everything running, to play with: until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading

import click

from devcluster.demo import IDENTITY, NAME, OPERATOR, ZONE
from devcluster.environment import Environment, running
from devcluster.operator_process import OperatorProcess
from devcluster.process import ProcessError
from devcluster.sandbox_process import SandboxOptions

_WATCH = 1.0


@click.command()
@click.option("--speed", default=30.0, show_default=True, help="Simulated seconds of SES per real second.")
@click.option("--rate", default=1.0, show_default=True, help="SES requests per second, action and region; 0: any.")
@click.option("--zone", "zones", multiple=True, default=(ZONE,), show_default=True, help="Hosted zone. Repeatable.")
def up(speed: float, rate: float, zones: tuple[str, ...]) -> None:
    """Start control plane, sandbox and operator, print how to reach them, and keep them running until Ctrl-C."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    click.echo("Starting a control plane, a sandbox of AWS, and the operator …", err=True)
    try:
        with (
            running(SandboxOptions(speed=speed, rate=rate, zones=zones)) as environment,
            environment.operator(OPERATOR) as operator,
        ):
            _open_account(environment)
            click.echo(instructions(environment, operator))
            _wait(stopped, operator)
    except ProcessError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _open_account(environment: Environment) -> None:
    """Let examples apply a SesAccount of the same name: it keeps what they do not set, and so stays the sandbox's."""
    environment.kubectl("annotate", "sesaccount/default", "kubectl.kubernetes.io/last-applied-configuration-")


def _wait(stopped: threading.Event, operator: OperatorProcess) -> None:
    while not stopped.wait(_WATCH):
        if not operator.process.running:
            raise ProcessError(f"the operator ended by itself; its log ends:\n{operator.process.tail(20)}")


def instructions(environment: Environment, operator: OperatorProcess) -> str:
    """Return what to type in another terminal."""
    aws = environment.sandbox.aws_url
    host, _, port = environment.sandbox.dns_address.rpartition(":")
    return f"""\
export KUBECONFIG={environment.plane.kubeconfig}
export AWS_ENDPOINT_URL={aws} AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1
alias kubectl={environment.kubectl.program}

# an identity: apply it, wait for it, look at it
kubectl apply -f - <<EOF{IDENTITY}EOF
kubectl wait --for=condition=Ready sesidentity/{NAME} --timeout=2m
kubectl get sesid -o wide
kubectl describe sesid {NAME}

# the other side: SES, DNS, and what was asked of them
aws sesv2 get-email-identity --email-identity mail.{ZONE}
dig @{host} -p {port} MX bounce-eu-west-1.mail.{ZONE}
curl -s {aws}/_sandbox/state
curl -s {aws}/_sandbox/calls
curl -s {aws}/_sandbox/clock -d '{{"advanceHours": 73}}'

# logs
tail -f {operator.process.log}

Ctrl-C ends everything."""
