"""What the real Helm makes of the chart, and what it refuses, over a table of values."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from cluster.helm import CHART, ROOT, Helm, HelmError
from devcluster import binaries
from ses_operator.api.schema.admission import manifests
from ses_operator.runtime.lease.lease_object import lease_key
from ses_operator.settings import from_mapping, options

IMAGE = {"image": {"repository": "registry.example.com/ses-operator"}}
ID = {"installationID": "prod", **IMAGE}
ACCOUNT_RIGHTS = {f"{verb} sesaccounts.ses-operator.io" for verb in ("get", "list", "watch", "patch")} | {
    "patch sesaccounts/status.ses-operator.io"
}
IDENTITY_RIGHTS = {
    *(f"{verb} sesidentities.ses-operator.io" for verb in ("get", "list", "watch", "patch")),
    "patch sesidentities/status.ses-operator.io",
    *(f"{verb} sesverificationtemplates.ses-operator.io" for verb in ("get", "list", "watch", "patch")),
    "patch sesverificationtemplates/status.ses-operator.io",
    *(f"{verb} dnsendpoints.externaldns.k8s.io" for verb in ("get", "list", "watch", "create", "patch", "delete")),
    "create events",
    *(f"{verb} secrets" for verb in ("get", "list", "watch", "create")),
}
FINALIZE_RIGHTS = {
    *(f"{verb} sesidentities.ses-operator.io" for verb in ("list", "watch", "patch")),
    *(f"{verb} sesverificationtemplates.ses-operator.io" for verb in ("list", "watch", "patch")),
    "patch sesidentities/status.ses-operator.io",
    "patch sesverificationtemplates/status.ses-operator.io",
}
REPORT_RIGHTS = {f"{verb} clusterpolicyreports.wgpolicyk8s.io" for verb in ("list", "create", "patch", "delete")}
NAMESPACE_RIGHTS = {"list namespaces", "watch namespaces"}
NO_USER_ROLES = {"rbac": {"aggregateToUserRoles": False}}


@pytest.fixture(scope="module")
def helm() -> Helm:
    return Helm(binaries.helm())


def test_helm_lint_finds_nothing(helm: Helm) -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in helm("lint", "--strict", CHART, values=ID)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "installationID is required: choose a name for this installation that no other cluster"),
        ({"installationID": "Prod_EU"}, 'installationID "Prod_EU": use up to 63 lower-case letters'),
        (
            {"installationID": "prod"},
            "image.repository is required: no public registry has an image of ses-operator. Build",
        ),
        (
            {"installationID": "prod", "image": {"tag": "1"}},
            "such as --set image.repository=registry.example.com/ses-operator",
        ),
        ({"installationID": "x" * 64}, "use up to 63 lower-case letters"),
        ({"installationID": 7}, "at '/installationID': got number, want string"),
        ({**ID, "replicas": "two"}, "at '/replicas': got string, want integer"),
        ({**ID, "watchNamespaces": "team-a"}, "at '/watchNamespaces': got string, want array"),
        ({**ID, "watchNamespaces": ["Team A"]}, "at '/watchNamespaces/0': 'Team A' does not match pattern"),
        ({**ID, "watchNamespaces": ["a", "a"]}, "at '/watchNamespaces': items at 0 and 1 are equal"),
        ({**ID, "settings": {"wrokers": 3}}, "at '/settings': additional properties 'wrokers' not allowed"),
        ({**ID, "settings": {"pendingPoll": 0}}, "at '/settings/pendingPoll': exclusiveMinimum: got 0, want 0"),
        ({**ID, "settings": {"logLevel": "loud"}}, "value must be one of 'debug', 'info', 'warning', 'error'"),
        ({**ID, "podDisruptionBudget": {"maxUnavailable": 0}}, "at '/podDisruptionBudget/maxUnavailable'"),
        ({**ID, "networkPolicy": {"egressPorts": []}}, "at '/networkPolicy/egressPorts': minItems: got 0, want 1"),
        ({**ID, "replicaCount": 2}, "additional properties 'replicaCount' not allowed"),
        ({**ID, "serviceAccount": {"create": False}}, "name a ServiceAccount that exists in serviceAccount.name"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(helm: Helm, values: dict[str, Any], message: str) -> None:
    with pytest.raises(HelmError) as refusal:
        helm.render(values)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("settings", "namespaces"),
    [
        ({}, []),
        ({"sweepInterval": 2_000_000, "pendingPoll": 0.5, "workers": 1000}, []),
        ({"logFormat": "json", "leaseDuration": 30, "urgentWorkers": 0}, ["team-a", "team-b"]),
    ],
)
def test_the_operator_understands_its_environment(helm: Helm, settings: dict[str, Any], namespaces: list[str]) -> None:
    environment = helm.render({**ID, "settings": settings, "watchNamespaces": namespaces}).environment
    names = {option.variable: option.name for option in options()}
    read = from_mapping({names[variable]: value for variable, value in environment.items()})
    defaults = from_mapping({"installation_id": "prod"})
    expected = from_mapping(
        {
            "installation_id": "prod",
            "watch_namespaces": ",".join(namespaces),
            **{option.name: settings.get(camel(option.name), getattr(defaults, option.name)) for option in TUNABLE},
        }
    )
    assert read == expected


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


TUNABLE = [option for option in options() if option.name not in ("installation_id", "watch_namespaces")]


def test_the_probes_and_the_metrics_are_where_the_operator_serves_them(helm: Helm) -> None:
    manifests = helm.render(
        {**ID, "settings": {"metricsPort": 9000, "probePort": 9001}, "metrics": {"service": {"enabled": True}}}
    )
    container = manifests.container
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {"metrics": 9000, "probes": 9001}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "probes"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "probes"}
    service = manifests.one("Service")
    labels = manifests.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert service["spec"]["ports"] == [{"name": "metrics", "port": 9000, "targetPort": "metrics"}]


def test_without_being_asked_the_chart_needs_no_kinds_of_others(helm: Helm) -> None:
    assert {"ServiceMonitor", "PrometheusRule", "ConfigMap", "Service"}.isdisjoint(
        found["kind"] for found in helm.render(ID).objects
    )


def test_prometheus_is_led_to_the_metrics(helm: Helm) -> None:
    given = {"enabled": True, "labels": {"release": "prometheus"}, "interval": "30s"}
    manifests = helm.render({**ID, "metrics": {"serviceMonitor": given}})
    service, monitor = manifests.one("Service"), manifests.one("ServiceMonitor")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"] == [{"port": service["spec"]["ports"][0]["name"], "interval": "30s"}]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_the_alerts_are_those_of_the_file_and_their_runbooks_where_the_value_says(helm: Helm) -> None:
    given = {"enabled": True, "labels": {"release": "prometheus"}, "runbookBase": "https://git.example.com/main/"}
    rule = helm.render({**ID, "metrics": {"prometheusRule": given}}).one("PrometheusRule")
    text = (CHART / "files" / "alerts.yaml").read_text(encoding="utf-8")
    expected = text.replace("runbook: docs/", "runbook: https://git.example.com/main/docs/")
    assert rule["spec"] == yaml.safe_load(expected)
    assert rule["metadata"]["labels"]["release"] == "prometheus"


def test_the_dashboard_is_that_of_the_file(helm: Helm) -> None:
    made = helm.render({**ID, "metrics": {"dashboard": {"enabled": True}}}).one("ConfigMap")
    dashboard = json.loads((CHART / "files" / "dashboard.json").read_text(encoding="utf-8"))
    assert json.loads(made["data"]["ses-operator.json"]) == dashboard
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_a_service_of_that_name_does_not_become_a_setting(helm: Helm) -> None:
    manifests = helm.render({**ID, "metrics": {"service": {"enabled": True}}})
    variable = manifests.one("Service")["metadata"]["name"].upper().replace("-", "_") + "_PORT"
    assert variable in {option.variable for option in options()}
    assert manifests.pod["enableServiceLinks"] is False


def test_the_pod_is_given_longer_to_stop_than_the_operator_takes(helm: Helm) -> None:
    assert helm.render({**ID, "settings": {"shutdownGrace": 44.5}}).pod["terminationGracePeriodSeconds"] == 60


def test_rights_in_the_whole_cluster_by_default(helm: Helm) -> None:
    manifests = helm.render({**ID, **NO_USER_ROLES})
    assert manifests.rights("ClusterRole") == ACCOUNT_RIGHTS | REPORT_RIGHTS | NAMESPACE_RIGHTS | IDENTITY_RIGHTS
    assert {role["metadata"]["namespace"] for role in manifests.kind("Role")} == {"ses"}


def test_with_namespaces_listed_only_accounts_are_seen_in_the_whole_cluster(helm: Helm) -> None:
    manifests = helm.render({**ID, **NO_USER_ROLES, "watchNamespaces": ["team-a", "team-b"]})
    named = {f"{right} team-a,team-b" for right in NAMESPACE_RIGHTS}
    assert manifests.rights("ClusterRole", name="ses-operator") == ACCOUNT_RIGHTS | REPORT_RIGHTS | named
    assert manifests.rights("Role", "team-a") == manifests.rights("Role", "team-b") == IDENTITY_RIGHTS
    bound = {
        (binding["metadata"]["namespace"], subject["namespace"], subject["name"])
        for binding in manifests.kind("RoleBinding")
        for subject in binding["subjects"]
    }
    assert bound == {(namespace, "ses", "ses-operator") for namespace in ("ses", "team-a", "team-b", "default")}
    assert manifests.rights("Role", "default") == {"create events"}, "those about accounts are there"


def test_the_right_that_outlives_a_watched_namespace_is_just_that_to_finalize(helm: Helm) -> None:
    listed = {**ID, **NO_USER_ROLES, "watchNamespaces": ["team-a"]}
    with_it, binding = helm.render(listed), "ses-operator-finalize"
    assert with_it.rights("ClusterRole", name=binding) == FINALIZE_RIGHTS
    assert (
        with_it.one("ClusterRoleBinding", binding)["subjects"]
        == with_it.one("ClusterRoleBinding", "ses-operator")["subjects"]
    )
    without = helm.render({**listed, "rbac": {"aggregateToUserRoles": False, "finalizeEverywhere": False}})
    assert {found["metadata"]["name"] for found in without.kind("ClusterRole")} == {"ses-operator"}
    everywhere = helm.render({**ID, **NO_USER_ROLES})
    assert {found["metadata"]["name"] for found in everywhere.kind("ClusterRole")} == {"ses-operator"}


def test_where_the_namespace_default_is_watched_its_rights_are_those_of_the_others(helm: Helm) -> None:
    manifests = helm.render({**ID, **NO_USER_ROLES, "watchNamespaces": ["default"]})
    assert manifests.rights("Role", "default") == IDENTITY_RIGHTS


def test_the_right_to_write_reports_of_audits_can_be_taken_away(helm: Helm) -> None:
    manifests = helm.render({**ID, "rbac": {"aggregateToUserRoles": False, "auditReports": False}})
    assert not REPORT_RIGHTS & manifests.rights("ClusterRole")


def test_the_right_to_see_namespaces_can_be_taken_away(helm: Helm) -> None:
    rbac = {"aggregateToUserRoles": False, "namespaceLabels": False, "auditReports": False}
    manifests = helm.render({**ID, "rbac": rbac, "watchNamespaces": ["team-a"]})
    assert manifests.rights("ClusterRole", name="ses-operator") == ACCOUNT_RIGHTS
    assert helm.render({**ID, "rbac": rbac}).rights("ClusterRole") == ACCOUNT_RIGHTS | IDENTITY_RIGHTS


def test_the_right_to_dkim_keys_can_be_taken_away(helm: Helm) -> None:
    manifests = helm.render({**ID, "rbac": {"aggregateToUserRoles": False, "dkimSecrets": False}})
    assert not any("secrets" in right for right in manifests.rights("ClusterRole"))


def test_secrets_are_read_and_only_its_own_lease_and_record_are_changed_in_the_operator_s_namespace(
    helm: Helm,
) -> None:
    lease = lease_key("ses", "prod").name
    manifests = helm.render(ID)
    record = manifests.environment["SES_OPERATOR_INSTALLATION_RECORD"]
    assert manifests.rights("Role", "ses") == {
        *(f"{verb} secrets" for verb in ("get", "list", "watch")),
        "create configmaps",
        f"get configmaps {record}",
        f"update configmaps {record}",
        "create leases.coordination.k8s.io",
        f"get leases.coordination.k8s.io {lease}",
        "create secrets",
        f"update leases.coordination.k8s.io {lease}",
    }


def test_the_installation_record_is_the_same_object_under_another_installation_id(helm: Helm) -> None:
    names = {
        helm.render({**ID, **other}).environment["SES_OPERATOR_INSTALLATION_RECORD"]
        for other in ({}, {"installationID": "other", "confirmInstallationID": "other"})
    }
    assert len(names) == 1


def test_tokens_are_asked_for_of_the_service_accounts_that_are_listed_and_of_no_others(helm: Helm) -> None:
    manifests = helm.render({**ID, "webIdentity": {"serviceAccounts": ["ses-eu", "ses-us"]}})
    asked = {right for right in manifests.rights("Role", "ses") if "token" in right}
    assert asked == {"create serviceaccounts/token ses-eu,ses-us"}


def test_profiles_are_read_from_the_files_of_a_secret(helm: Helm) -> None:
    manifests = helm.render({**ID, "awsConfig": {"secretName": "aws"}})
    (mount,) = (mount for mount in manifests.container["volumeMounts"] if mount["name"] == "aws-config")
    files = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials"}
    environment = manifests.environment
    assert {name: environment[name] for name in files} == {
        name: f"{mount['mountPath']}/{file}" for name, file in files.items()
    }
    assert {"name": "aws-config", "secret": {"secretName": "aws"}} in manifests.pod["volumes"]


def test_the_admission_policies_are_those_of_this_version_under_the_name_of_the_release(helm: Helm) -> None:
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    assert [found for kind in kinds for found in helm.render(ID).kind(kind)] == []
    release = helm.render({**ID, "admissionPolicy": {"enabled": True}, "fullnameOverride": "mailer"})
    for made in manifests():
        ours = release.one(made["kind"], made["metadata"]["name"].replace("ses-operator", "mailer"))
        spec = {**made["spec"]}
        if "policyName" in spec:
            spec["policyName"] = ours["metadata"]["name"]
        assert ours["spec"] == spec


def test_whoever_may_view_or_edit_a_namespace_may_do_so_with_the_identities_in_it(helm: Helm) -> None:
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    rights = {
        label.removeprefix(prefix): {verb for rule in role["rules"] for verb in rule["verbs"]}
        for role in helm.render(ID).kind("ClusterRole")
        for label in role["metadata"]["labels"]
        if label.startswith(prefix)
    }
    write = {"create", "update", "patch", "delete", "deletecollection"}
    assert rights == {"view": {"get", "list", "watch"}, "edit": write, "admin": write}


def test_a_role_of_aws_is_named_on_the_service_account_of_the_pod(helm: Helm) -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/ses-operator"}
    manifests = helm.render({**ID, "serviceAccount": {"name": "mailer", "annotations": role}})
    assert manifests.one("ServiceAccount", "mailer")["metadata"]["annotations"] == role
    assert manifests.pod["serviceAccountName"] == "mailer"
    subjects = [
        binding["subjects"] for kind in ("RoleBinding", "ClusterRoleBinding") for binding in manifests.kind(kind)
    ]
    assert all(subject == [{"kind": "ServiceAccount", "name": "mailer", "namespace": "ses"}] for subject in subjects)


@pytest.mark.parametrize(
    ("crds", "annotations"),
    [
        ({}, [{"helm.sh/resource-policy": "keep"}] * 3),
        ({"keep": False}, [{}, {}, {}]),
        ({"enabled": False}, []),
    ],
)
def test_the_kinds_are_part_of_the_release_and_kept_unless_told_otherwise(
    helm: Helm, crds: dict[str, bool], annotations: list[dict[str, str]]
) -> None:
    kinds = helm.render({**ID, "crds": crds}).kind("CustomResourceDefinition")
    assert [kind["metadata"].get("annotations", {}) for kind in kinds] == annotations


def test_several_pods_are_not_evicted_together(helm: Helm) -> None:
    assert helm.render(ID).kind("PodDisruptionBudget") == []
    assert (
        helm.render({**ID, "replicas": 2, "podDisruptionBudget": {"enabled": False}}).kind("PodDisruptionBudget") == []
    )
    manifests = helm.render({**ID, "replicas": 3, "podDisruptionBudget": {"maxUnavailable": "50%"}})
    budget = manifests.one("PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == "50%"
    labels = manifests.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert budget["selector"]["matchLabels"].items() <= labels.items()


def test_a_network_policy_lets_through_what_the_operator_needs(helm: Helm) -> None:
    assert helm.render(ID).kind("NetworkPolicy") == []
    prometheus = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    values = {"enabled": True, "metricsFrom": [prometheus], "egressPorts": [443, 3128]}
    manifests = helm.render({**ID, "networkPolicy": values})
    policy = manifests.one("NetworkPolicy")["spec"]
    labels = manifests.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    assert {port["name"] for port in manifests.container["ports"]} == {
        port["port"] for rule in policy["ingress"] for port in rule["ports"]
    }
    assert {rule["ports"][0]["port"]: rule.get("from") for rule in policy["ingress"]} == {
        "probes": None,
        "metrics": [prometheus],
    }
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == [53, 53, 443, 3128]
    assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_the_image_is_that_of_the_chart_s_version_and_starts_the_operator(helm: Helm) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert 'ENTRYPOINT ["ses-operator"]' in dockerfile
    manifests = helm.render({**ID, "image": {"repository": "registry.example.com/ses-operator"}})
    assert manifests.container["image"] == "registry.example.com/ses-operator:0.1.0"
    assert manifests.container["args"] == ["run"]
    user = manifests.pod["securityContext"]
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in dockerfile


def test_what_openshift_chooses_itself_can_be_left_out(helm: Helm) -> None:
    """Its restricted-v2 takes the user and the group of the namespace's own range, and refuses any other."""
    chosen = dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"))
    manifests = helm.render({**ID, "podSecurityContext": chosen})
    assert manifests.pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert manifests.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    bare = helm.render({**ID, "podSecurityContext": None, "securityContext": None})
    assert "securityContext" not in bare.pod
    assert "securityContext" not in bare.container


def test_what_is_packaged_is_what_is_here(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("package")
    helm("package", CHART, f"--destination={folder}")
    (package,) = folder.iterdir()
    rendered = [
        helm("template", "ses-operator", chart, "--kube-version=1.35.4", values=ID) for chart in (package, CHART)
    ]
    assert rendered[0] == rendered[1]
