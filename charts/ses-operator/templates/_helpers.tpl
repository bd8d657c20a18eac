{{/* The name of this chart's objects. */}}
{{- define "ses-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* The labels that select the pods; they never change. */}}
{{- define "ses-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of all objects. */}}
{{- define "ses-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "ses-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The name of the ServiceAccount that the pods run as. */}}
{{- define "ses-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ses-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "name a ServiceAccount that exists in serviceAccount.name, or set serviceAccount.create=true" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* The installation id; without a valid one there is no release. */}}
{{- define "ses-operator.installationID" -}}
{{- $id := required "installationID is required: choose a name for this installation that no other cluster with the same AWS account has, such as --set installationID=production-eu" .Values.installationID -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" $id) -}}
{{- fail (printf "installationID %q: use up to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends" $id) -}}
{{- end -}}
{{- $id -}}
{{- end }}

{{/* The name of the ConfigMap that the operator creates and keeps. It must not depend on the installation id. */}}
{{- define "ses-operator.installationRecord" -}}
{{- printf "%s-installation" (include "ses-operator.fullname" .) -}}
{{- end }}

{{/* Where the image is; there is no public one. */}}
{{- define "ses-operator.repository" -}}
{{- required "image.repository is required: no public registry has an image of ses-operator. Build one (docker build --tag registry.example.com/ses-operator:VERSION .), push it to a registry that your nodes can pull from, and name it without its tag, such as --set image.repository=registry.example.com/ses-operator" .Values.image.repository -}}
{{- end }}

{{/* What the operator may do where SesIdentities are. */}}
{{- define "ses-operator.identityRules" -}}
- apiGroups: [ses-operator.io]
  resources: [sesidentities, sesverificationtemplates]
  verbs: [get, list, watch, patch]
- apiGroups: [ses-operator.io]
  resources: [sesidentities/status, sesverificationtemplates/status]
  verbs: [patch]
- apiGroups: [externaldns.k8s.io]
  resources: [dnsendpoints]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- if .Values.rbac.dkimSecrets }}
# The DKIM keys that SesIdentities name, and those that they ask to be made.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create]
{{- end }}
{{- end }}
