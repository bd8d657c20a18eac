"""``ses-operator admission``: the rules of SesAccounts as ValidatingAdmissionPolicies."""

from __future__ import annotations

import click

from ses_operator.api.schema.admission import render


@click.command(short_help="Print policies that hold identities to their account's rules.")
def admission() -> None:
    """Print the ValidatingAdmissionPolicies by which the apiserver itself holds identities to the rules of their account.

    They are optional: the operator holds to the same rules, and says in status what is not met. With the policies, kubectl
    apply is refused, or warned, at once. The Helm chart has them as admissionPolicy.enabled.

    \b
    Put them in force (Kubernetes 1.30 or later):
      ses-operator admission | kubectl apply --server-side -f -
    """
    click.echo(render(), nl=False)
