{{- /* The pod of the server, over a file or over PostgreSQL. */ -}}
{{- define "huedb.pod" -}}
{{- $root := . -}}
{{- $name := include "huedb.name" . -}}
{{- $shared := ne .Values.postgres.secretName "" -}}
serviceAccountName: {{ $name }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ add .Values.drainSeconds (ternary 30 15 $shared) }}
{{- if $shared }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "huedb.selector" . | nindent 8 }}
        app.kubernetes.io/component: server
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "huedb.podSecurity" . | nindent 2 }}
{{- if or $shared .Values.tokens.create }}
initContainers:
  {{- if $shared }}
  # A file of passwords is read where it is its reader's own and nobody else's, as those of secrets are not.
  - name: pgpass
    image: {{ include "huedb.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    command: [install, -m, "600", /run/secrets/huedb-postgres/pgpass, /run/huedb/pgpass]
    securityContext:
      {{- include "huedb.containerSecurity" . | nindent 6 }}
    resources:
      requests:
        cpu: 50m
        memory: 64Mi
      limits:
        memory: 256Mi
    volumeMounts:
      - name: pgpass
        mountPath: /run/huedb
      - name: postgres
        mountPath: /run/secrets/huedb-postgres
        readOnly: true
  {{- end }}
  {{- range .Values.tokens.create }}
  - name: token-{{ .name }}
    image: {{ include "huedb.image" $root }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args:
      - token
      - create
      - {{ .name | quote }}
      - --role
      - {{ .role }}
      - --token-file
      - /run/secrets/huedb-tokens/token
      {{- range .args }}
      - {{ . | quote }}
      {{- end }}
    env:
      {{- include "huedb.env" $root | nindent 6 }}
    securityContext:
      {{- include "huedb.containerSecurity" $root | nindent 6 }}
    resources:
      requests:
        cpu: 50m
        memory: 64Mi
      limits:
        memory: 256Mi
    volumeMounts:
      {{- include "huedb.mounts" $root | nindent 6 }}
      - name: token-{{ .name }}
        mountPath: /run/secrets/huedb-tokens
        readOnly: true
  {{- end }}
{{- end }}
containers:
  - name: huedb
    image: {{ include "huedb.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      - serve
      - --listen=0.0.0.0:8000
      - --log={{ .Values.log }}
      - --log-format=json
      {{- if .Values.audit }}
      - --audit=-
      {{- end }}
      {{- if .Values.tls.enabled }}
      - --tls-cert=/run/secrets/huedb-tls/tls.crt
      - --tls-key=/run/secrets/huedb-tls/tls.key
      {{- with .Values.tls.clientCaSecretName }}
      - --tls-client-ca=/run/secrets/huedb-client-ca/ca.crt
      {{- end }}
      {{- end }}
      {{- range .Values.trustedProxies }}
      - {{ printf "--trusted-proxy=%s" . | quote }}
      {{- end }}
      {{- if and .Values.insecure (not .Values.tls.enabled) }}
      - --insecure
      {{- end }}
      {{- with .Values.anonymous }}
      - --anonymous={{ . }}
      {{- end }}
      {{- if .Values.oidc.issuer }}
      - {{ printf "--oidc-issuer=%s" .Values.oidc.issuer | quote }}
      - {{ printf "--oidc-audience=%s" .Values.oidc.audience | quote }}
      {{- range .Values.oidc.rules }}
      - {{ printf "--oidc-rule=%s" . | quote }}
      {{- end }}
      {{- end }}
      {{- if ne (int .Values.drainSeconds) 30 }}
      - --drain={{ .Values.drainSeconds }}
      {{- end }}
      {{- range .Values.extraArgs }}
      - {{ . | quote }}
      {{- end }}
    env:
      {{- include "huedb.env" . | nindent 6 }}
      {{- with .Values.postgres.readKey }}
      - name: HUEDB_READ_FROM
        valueFrom:
          secretKeyRef:
            name: {{ $root.Values.postgres.secretName }}
            key: {{ . }}
      {{- end }}
    ports:
      - name: api
        containerPort: 8000
        protocol: TCP
    startupProbe:
      {{- include "huedb.probe" (dict "root" . "path" "/readyz") | nindent 6 }}
      periodSeconds: 2
      timeoutSeconds: 2
      failureThreshold: 150
    readinessProbe:
      {{- include "huedb.probe" (dict "root" . "path" "/readyz") | nindent 6 }}
      periodSeconds: 5
      timeoutSeconds: 3
      failureThreshold: 2
    livenessProbe:
      {{- include "huedb.probe" (dict "root" . "path" "/livez") | nindent 6 }}
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    {{- if $shared }}
    lifecycle:
      # Until no balancer sends it anything new.
      preStop:
        exec:
          command: [sleep, "5"]
    {{- end }}
    securityContext:
      {{- include "huedb.containerSecurity" . | nindent 6 }}
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    volumeMounts:
      {{- include "huedb.mounts" . | nindent 6 }}
      {{- if .Values.tls.enabled }}
      - name: tls
        mountPath: /run/secrets/huedb-tls
        readOnly: true
      {{- if .Values.tls.clientCaSecretName }}
      - name: client-ca
        mountPath: /run/secrets/huedb-client-ca
        readOnly: true
      {{- end }}
      {{- end }}
volumes:
  {{- include "huedb.volumes" . | nindent 2 }}
  {{- if .Values.tls.enabled }}
  - name: tls
    secret:
      secretName: {{ .Values.tls.secretName }}
      defaultMode: 0440
  {{- with .Values.tls.clientCaSecretName }}
  - name: client-ca
    secret:
      secretName: {{ . }}
      defaultMode: 0440
      items:
        - key: ca.crt
          path: ca.crt
  {{- end }}
  {{- end }}
  {{- range .Values.tokens.create }}
  - name: token-{{ .name }}
    secret:
      secretName: {{ $root.Values.tokens.secretName }}
      defaultMode: 0440
      items:
        - key: {{ .key }}
          path: token
  {{- end }}
{{- end -}}
