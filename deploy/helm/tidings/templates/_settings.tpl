{{/* What each service is told, and where its secrets lie. `tidings check-config` is run with all of it by tools/check-helm. */}}

{{/* The secrets of a service: [{secret, key, file}]. Each is a file in /etc/tidings/secrets. */}}
{{- define "tidings.secrets" -}}
{{- $values := .root.Values -}}
{{- $secrets := list -}}
{{- if $values.nats.existingSecret -}}
{{- $secrets = append $secrets (dict "secret" $values.nats.existingSecret "key" (index $values.nats.keys .key) "file" "nats-url") -}}
{{- end -}}
{{- if $values.mongodb.existingSecret -}}
{{- $secrets = append $secrets (dict "secret" $values.mongodb.existingSecret "key" $values.mongodb.key "file" "mongodb-url") -}}
{{- end -}}
{{- if has .key (list "authSvc" "chatSvc" "notifier") -}}
{{- $secrets = append $secrets (dict "secret" $values.nameKey.existingSecret "key" $values.nameKey.key "file" "names.secret") -}}
{{- end -}}
{{- if has .key (list "authSvc" "notifier") -}}
{{- $secrets = append $secrets (dict "secret" $values.codeKey.existingSecret "key" $values.codeKey.key "file" "otp.secret") -}}
{{- end -}}
{{- if and (eq .key "authSvc") $values.oidc.existingSecret -}}
{{- $secrets = append $secrets (dict "secret" $values.oidc.existingSecret "key" $values.oidc.key "file" "config.toml") -}}
{{- end -}}
{{- if eq .key "notifier" -}}
{{- if $values.smtp.existingSecret -}}
{{- $secrets = append $secrets (dict "secret" $values.smtp.existingSecret "key" $values.smtp.key "file" "smtp-url") -}}
{{- end -}}
{{- if $values.smtp.caSecret -}}
{{- $secrets = append $secrets (dict "secret" $values.smtp.caSecret "key" $values.smtp.caKey "file" "smtp-ca.pem") -}}
{{- end -}}
{{- end -}}
{{- if and (has .key (list "gateway" "chatSvc")) (hasPrefix "s3://" $values.files.store) -}}
{{- $secrets = append $secrets (dict "secret" $values.files.existingSecret "key" $values.files.accessKey "file" "s3-access-key") -}}
{{- $secrets = append $secrets (dict "secret" $values.files.existingSecret "key" $values.files.secretKey "file" "s3-secret-key") -}}
{{- if $values.files.caSecret -}}
{{- $secrets = append $secrets (dict "secret" $values.files.caSecret "key" $values.files.caKey "file" "s3-ca.pem") -}}
{{- end -}}
{{- end -}}
{{- toYaml $secrets -}}
{{- end -}}

{{/* The setting that names the file of each of these secrets. */}}
{{- define "tidings.fileSettings" -}}
nats-url: TIDINGS_NATS_URL_FILE
mongodb-url: TIDINGS_READ_MODEL_FILE
names.secret: TIDINGS_NAME_KEY
otp.secret: TIDINGS_CODE_KEY
config.toml: TIDINGS_CONFIG
smtp-url: TIDINGS_SMTP_URL_FILE
smtp-ca.pem: TIDINGS_SMTP_CA_FILE
s3-access-key: TIDINGS_S3_ACCESS_KEY_FILE
s3-secret-key: TIDINGS_S3_SECRET_KEY_FILE
s3-ca.pem: TIDINGS_S3_CA_FILE
{{- end -}}

{{/* The environment of a service. */}}
{{- define "tidings.env" -}}
{{- $values := .root.Values -}}
{{- $env := dict -}}
{{- /* A folder of its own in the volume, which belongs to the process. */ -}}
{{- $_ := set $env "TIDINGS_DATA" "/data/tidings" -}}
{{- $_ := set $env "TIDINGS_ADMIN_LISTEN" (printf "%s:9090" $values.listenAddress) -}}
{{- $_ := set $env "TIDINGS_REPLICAS" ($values.nats.replicas | toString) -}}
{{- if eq .key "gateway" -}}
{{- $_ := set $env "TIDINGS_LISTEN" (printf "%s:8080" $values.listenAddress) -}}
{{- if $values.gateway.tls.existingSecret -}}
{{- $_ := set $env "TIDINGS_TLS_CERT" "/etc/tidings/tls/tls.crt" -}}
{{- $_ := set $env "TIDINGS_TLS_KEY" "/etc/tidings/tls/tls.key" -}}
{{- end -}}
{{- end -}}
{{- if $values.nats.url -}}
{{- $_ := set $env "TIDINGS_NATS_URL" $values.nats.url -}}
{{- end -}}
{{- if $values.mongodb.url -}}
{{- $_ := set $env "TIDINGS_READ_MODEL" $values.mongodb.url -}}
{{- end -}}
{{- if eq .key "authSvc" -}}
{{- $_ := set $env "TIDINGS_KEYS" "/etc/tidings/keys" -}}
{{- end -}}
{{- if has .key (list "gateway" "chatSvc") -}}
{{- $_ := set $env "TIDINGS_BLOB_STORE" $values.files.store -}}
{{- end -}}
{{- $files := include "tidings.fileSettings" . | fromYaml -}}
{{- range include "tidings.secrets" . | fromYamlArray -}}
{{- $_ := set $env (index $files .file) (printf "/etc/tidings/secrets/%s" .file) -}}
{{- end -}}
{{- range $setting, $value := $values.settings -}}
{{- $text := $value | toString -}}
{{- if kindIs "slice" $value -}}{{- $text = join "," $value -}}{{- end -}}
{{- $_ := set $env (printf "TIDINGS_%s" (upper $setting)) $text -}}
{{- end -}}
{{- range $name, $value := $env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- with .service.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where a service finds what: the volumes of its pod. */}}
{{- define "tidings.volumes" -}}
{{- $values := .root.Values -}}
- name: data
  emptyDir:
    sizeLimit: {{ .service.dataSizeLimit }}
{{- with include "tidings.secrets" . | fromYamlArray }}
- name: secrets
  projected:
    # The group of the process may read them, no one may write them.
    defaultMode: 0440
    sources:
      {{- range . }}
      - secret:
          name: {{ .secret }}
          items:
            - key: {{ .key }}
              path: {{ .file }}
      {{- end }}
{{- end }}
{{- if eq .key "authSvc" }}
- name: keys
  {{- if $values.signing.existingClaim }}
  persistentVolumeClaim:
    claimName: {{ $values.signing.existingClaim }}
  {{- else }}
  secret:
    secretName: {{ $values.signing.existingSecret }}
    defaultMode: 0440
  {{- end }}
{{- end }}
{{- if and (eq .key "gateway") $values.gateway.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ $values.gateway.tls.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- with .service.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tidings.volumeMounts" -}}
{{- $values := .root.Values -}}
- name: data
  mountPath: /data
{{- if include "tidings.secrets" . | fromYamlArray }}
- name: secrets
  mountPath: /etc/tidings/secrets
  readOnly: true
{{- end }}
{{- if eq .key "authSvc" }}
- name: keys
  mountPath: /etc/tidings/keys
  readOnly: {{ empty $values.signing.existingClaim }}
{{- end }}
{{- if and (eq .key "gateway") $values.gateway.tls.existingSecret }}
- name: tls
  mountPath: /etc/tidings/tls
  readOnly: true
{{- end }}
{{- with .service.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}
