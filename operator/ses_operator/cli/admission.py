"""``ses-operator admission``: the rules of SesAccounts as ValidatingAdmissionPolicies."""

from __future__ import annotations

import click

from ses_operator.api.schema.admission import render


@click.command(short_help="Print policies that enforce the account's rules at the apiserver.")
def admission() -> None:
    """Print ValidatingAdmissionPolicies with which the apiserver itself enforces the rules of an identity's account.

    They are optional: the operator enforces the same rules, and reports in status what is not met. With the policies, kubectl
    apply is refused, or warned, at once. The Helm chart installs them with admissionPolicy.enabled.

    \b
    Install them (Kubernetes 1.30 or later):
      ses-operator admission | kubectl apply --server-side -f -
    """
    click.echo(render(), nl=False)
