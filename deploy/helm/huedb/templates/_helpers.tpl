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
- name: HUEDB_FILE
  value: /data/huedb.redb
{{- if .Values.encryption.secretName }}
- name: HUEDB_KEY_FILE
  value: /run/secrets/huedb-key/key
{{- end }}
{{- end -}}

{{- /* What every container of the server's pod has. */ -}}
{{- define "huedb.mounts" -}}
- name: data
  mountPath: /data
- name: tmp
  mountPath: /tmp
- name: cache
  mountPath: /var/cache/huedb
{{- if .Values.encryption.secretName }}
- name: key
  mountPath: /run/secrets/huedb-key
  readOnly: true
{{- end }}
{{- end -}}

{{- define "huedb.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
- name: cache
  emptyDir:
    sizeLimit: 1Gi
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
{{- if and .Values.tls.certManager.enabled (not .Values.tls.certManager.issuerRef) -}}
{{- fail "tls.certManager.issuerRef: name the issuer, as in {kind: ClusterIssuer, name: internal}" -}}
{{- end -}}
{{- end -}}
