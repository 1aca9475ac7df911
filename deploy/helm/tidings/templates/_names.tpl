{{/* Names and labels. */}}

{{/* What everything of a release is called: short enough for what is added to it. */}}
{{- define "tidings.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The services: the name in the values, and the one that `tidings` knows. */}}
{{- define "tidings.services" -}}
gateway: gateway
authSvc: auth-svc
chatSvc: chat-svc
projector: projector
notifier: notifier
{{- end -}}

{{/* What never changes in the life of a release, and so may select. */}}
{{- define "tidings.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tidings.labels" -}}
{{ include "tidings.selector" . }}
app.kubernetes.io/version: {{ default .Chart.AppVersion .Values.image.tag | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tidings.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "tidings.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The values of a service over the defaults. Takes the root and the service's name in the values. */}}
{{- define "tidings.service" -}}
{{- mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy (index .root.Values .key)) | toYaml -}}
{{- end -}}

{{- define "tidings.image" -}}
{{- $image := .root.Values.image -}}
{{- if and $image.digest (not .service.imageTag) -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (coalesce .service.imageTag $image.tag .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* What has no default and cannot be done without, or is said twice. */}}
{{- define "tidings.required" -}}
{{- $values := .Values -}}
{{- $_ := required "image.repository: where you pushed the image that deploy/Dockerfile builds" $values.image.repository -}}
{{- $_ := required "nameKey.existingSecret: a Secret with the 32 bytes that names are hashed with (README.md, Keys)" $values.nameKey.existingSecret -}}
{{- $_ := required "codeKey.existingSecret: a Secret with the 32 bytes that one-time codes are made with (README.md, Keys)" $values.codeKey.existingSecret -}}
{{- range $place, $names := dict "nats" (list "url" "existingSecret") "mongodb" (list "url" "existingSecret") "signing" (list "existingSecret" "existingClaim") -}}
{{- $said := 0 -}}
{{- range $names -}}
{{- if index $values $place . -}}{{- $said = add1 $said -}}{{- end -}}
{{- end -}}
{{- if ne (int $said) 1 -}}
{{- fail (printf "%s: say one of %s.%s and %s.%s" $place $place (first $names) $place (last $names)) -}}
{{- end -}}
{{- end -}}
{{- if and (hasPrefix "s3://" $values.files.store) (not $values.files.existingSecret) -}}
{{- fail "files.existingSecret: a bucket needs a key" -}}
{{- end -}}
{{- if and $values.ingress.enabled (not $values.ingress.host) -}}
{{- fail "ingress.host: the name that people reach it by" -}}
{{- end -}}
{{- if and $values.httpRoute.enabled (not $values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs: the Gateway that leads here" -}}
{{- end -}}
{{- end -}}
