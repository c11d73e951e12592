{{- define "huedb.name" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "huedb.selector" -}}
app.kubernetes.io/name: huedb
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "huedb.labels" -}}
{{ include "huedb.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "huedb.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "huedb.scheme" -}}
{{ ternary "HTTPS" "HTTP" .Values.tls.enabled }}
{{- end -}}

{{- define "huedb.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "huedb.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "huedb.env" -}}
{{- if .Values.postgres.secretName -}}
# Without a password: that is in the file.
- name: HUEDB_FILE
  valueFrom:
    secretKeyRef:
      name: {{ .Values.postgres.secretName }}
      key: url
- name: PGPASSFILE
  value: /run/huedb/pgpass
{{- else -}}
- name: HUEDB_FILE
  value: /data/huedb.redb
{{- end }}
{{- if .Values.encryption.secretName }}
- name: HUEDB_KEY_FILE
  value: /run/secrets/huedb-key/key
{{- end }}
{{- end -}}

{{- /* What every container of the server's pod has. */ -}}
{{- define "huedb.mounts" -}}
{{- if not .Values.postgres.secretName }}
- name: data
  mountPath: /data
{{- end }}
- name: tmp
  mountPath: /tmp
- name: cache
  mountPath: /var/cache/huedb
{{- if .Values.postgres.secretName }}
- name: pgpass
  mountPath: /run/huedb
  readOnly: true
- name: postgres
  mountPath: /run/secrets/huedb-postgres
  readOnly: true
{{- end }}
{{- if .Values.encryption.secretName }}
- name: key
  mountPath: /run/secrets/huedb-key
  readOnly: true
{{- end }}
{{- end -}}

{{- define "huedb.volumes" -}}
# Over PostgreSQL, maps and statistics are made of a copy in /tmp.
- name: tmp
  emptyDir:
    sizeLimit: {{ ternary "2Gi" "1Gi" (ne .Values.postgres.secretName "") }}
- name: cache
  emptyDir:
    sizeLimit: 1Gi
{{- if .Values.postgres.secretName }}
- name: pgpass
  emptyDir:
    medium: Memory
    sizeLimit: 1Mi
- name: postgres
  secret:
    secretName: {{ .Values.postgres.secretName }}
    defaultMode: 0440
    items:
      - key: pgpass
        path: pgpass
      - key: ca.crt
        path: ca.crt
{{- end }}
{{- if .Values.encryption.secretName }}
- name: key
  secret:
    secretName: {{ .Values.encryption.secretName }}
    defaultMode: 0440
    items:
      - key: {{ .Values.encryption.key }}
        path: key
{{- end }}
{{- end -}}

{{- /* A probe asks the server, or looks for its port where it lets in only clients with a certificate. */ -}}
{{- define "huedb.probe" -}}
{{- if .root.Values.tls.clientCaSecretName -}}
tcpSocket:
  port: api
{{- else -}}
httpGet:
  path: {{ .path }}
  port: api
  scheme: {{ include "huedb.scheme" .root }}
{{- end -}}
{{- end -}}

{{- /* Says early what the server would say in its log. */ -}}
{{- define "huedb.check" -}}
{{- if not (or .Values.tls.enabled .Values.insecure .Values.trustedProxies) -}}
{{- fail "tls.enabled is false: name the proxy that has the certificate (trustedProxies), or say insecure: true" -}}
{{- end -}}
{{- if not (or .Values.tokens.create .Values.oidc.issuer .Values.anonymous) -}}
{{- fail "nobody could use it: give it tokens (tokens.create), an identity provider (oidc.issuer), or say what anybody may do (anonymous)" -}}
{{- end -}}
{{- if and .Values.oidc.issuer (not .Values.oidc.audience) -}}
{{- fail "oidc.issuer without oidc.audience would take the provider's tokens for other services: name the audience" -}}
{{- end -}}
{{- $monitors := list -}}
{{- range .Values.tokens.create }}{{ if eq .role "monitor" }}{{ $monitors = append $monitors .name }}{{ end }}{{ end -}}
{{- if and .Values.monitoring.serviceMonitor (not $monitors) -}}
{{- fail "monitoring.serviceMonitor: Prometheus needs a token; have one of role monitor in tokens.create" -}}
{{- end -}}
{{- if and .Values.postgres.secretName .Values.encryption.secretName -}}
{{- fail "encryption.secretName is the key of a file; PostgreSQL is encrypted by its own system" -}}
{{- end -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" -}}
{{- end -}}
{{- if and .Values.tls.certManager.enabled (not .Values.tls.certManager.issuerRef) -}}
{{- fail "tls.certManager.issuerRef: name the issuer, as in {kind: ClusterIssuer, name: internal}" -}}
{{- end -}}
{{- end -}}
