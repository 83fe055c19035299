{{- define "eve.name" -}}
{{- if contains "eve" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-eve" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "eve.selector" -}}
app.kubernetes.io/name: eve
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "eve.labels" -}}
{{ include "eve.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: eve
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "eve.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "eve.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "eve.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "eve.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* One variable from a key of the installation's Secret; nothing for an empty key. */}}
{{- define "eve.secretVariable" -}}
{{- if .key }}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ .root.Values.secrets.existingSecret }}, key: {{ .key }} } }
{{- end }}
{{- end }}

{{- define "eve.variable" -}}
{{- if .value }}
- name: {{ .name }}
  value: {{ .value | toString | quote }}
{{- end }}
{{- end }}

{{- define "eve.database" -}}
{{- include "eve.secretVariable" (dict "root" . "name" "DATABASE_URL" "key" .Values.secrets.databaseUrlKey) }}
{{- include "eve.secretVariable" (dict "root" . "name" "EVE_DATABASE_LISTEN_URL" "key" .Values.secrets.databaseListenUrlKey) }}
{{- end }}

{{/* What API and workers have in common. */}}
{{- define "eve.environment" -}}
{{- $values := .Values -}}
{{- include "eve.database" . }}
{{- include "eve.secretVariable" (dict "root" . "name" "EVE_MASTER_KEY" "key" $values.secrets.masterKeyKey) }}
{{- include "eve.secretVariable" (dict "root" . "name" "EVE_INTERNAL_API_KEY" "key" $values.secrets.internalApiKeyKey) }}
{{- if $values.blobs.s3 }}
{{- include "eve.secretVariable" (dict "root" . "name" "EVE_BLOBS_S3_ACCESS_KEY_ID" "key" $values.blobs.accessKeyIdKey) }}
{{- include "eve.secretVariable" (dict "root" . "name" "EVE_BLOBS_S3_SECRET_ACCESS_KEY" "key" $values.blobs.secretAccessKeyKey) }}
{{- end }}
{{- $insecure := join "," $values.registry.insecureHosts }}
{{- range list
  (list "EVE_DEPLOYER" "kubernetes")
  (list "EVE_KEYS_DIR" "/etc/eve/keys")
  (list "EVE_PUBLIC_URL" $values.publicUrl)
  (list "EVE_DOMAIN" $values.domain)
  (list "EVE_BLOBS_S3" $values.blobs.s3)
  (list "EVE_BLOBS_S3_ENDPOINT" $values.blobs.endpoint)
  (list "EVE_BLOBS_S3_REGION" $values.blobs.region)
  (list "EVE_KUBERNETES_BUILD_NAMESPACE" $values.builds.namespace)
  (list "EVE_BUILDKIT_IMAGE" $values.builds.buildkitImage)
  (list "EVE_BUILDKIT_PRIVILEGED" $values.builds.privileged)
  (list "EVE_KANIKO_IMAGE" $values.builds.kanikoImage)
  (list "EVE_DOCKER_HUB_MIRROR" $values.builds.dockerHubMirror)
  (list "EVE_KUBERNETES_INGRESS_CLASS" $values.kubernetes.ingressClass)
  (list "EVE_KUBERNETES_GATEWAY" $values.kubernetes.gateway)
  (list "EVE_REGISTRY_HOST" $values.registry.host)
  (list "EVE_BUILDKIT_INSECURE_REGISTRIES" $insecure)
}}
{{- if not (hasKey $values.settings (first .)) }}
{{- include "eve.variable" (dict "name" (first .) "value" (last .)) }}
{{- end }}
{{- end }}
{{- range $name, $value := $values.settings }}
{{- include "eve.variable" (dict "name" $name "value" $value) }}
{{- end }}
{{- end }}

{{- define "eve.mounts" -}}
- { name: scratch, mountPath: /var/lib/eve }
- { name: tmp, mountPath: /tmp }
- { name: keys, mountPath: /etc/eve/keys, readOnly: true }
{{- end }}

{{- define "eve.volumes" -}}
- name: scratch
  emptyDir: { sizeLimit: {{ .Values.scratch.sizeLimit }} }
- name: tmp
  emptyDir: { sizeLimit: {{ .Values.scratch.tmpSizeLimit }} }
- name: keys
  secret: { secretName: {{ .Values.keys.existingSecret }}, defaultMode: 0440 }
{{- end }}

{{- define "eve.placement" -}}
{{- with .of.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .of.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- if .of.topologySpread }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "eve.selector" . | nindent 8 }}
{{- end }}
{{- end }}

{{/* Everything that cannot be guessed is asked for in one sentence each, where the schema cannot. */}}
{{- define "eve.check" -}}
{{- if not .Values.publicUrl }}{{ fail "publicUrl: say how the API is reached, such as https://eve.example.com." }}{{ end }}
{{- if not .Values.image.repository }}{{ fail "image.repository: name where Eve's image lies, such as registry.example.com/eve." }}{{ end }}
{{- if not .Values.secrets.existingSecret }}{{ fail "secrets.existingSecret: name the Secret with database-url, master-key and internal-api-key; docs/kubernetes.md says how to make it." }}{{ end }}
{{- if not .Values.keys.existingSecret }}{{ fail "keys.existingSecret: name the Secret with registry-logins.key, token.key and token.crt; docs/kubernetes.md says how to make it." }}{{ end }}
{{- if not (or .Values.blobs.s3 .Values.blobs.inPods) }}{{ fail "blobs.s3: name the bucket for logs and sources as s3://bucket/prefix, or set blobs.inPods=true to try Eve out without one." }}{{ end }}
{{- range list "EVE_WORKER" "EVE_API_DRAIN" "EVE_WORK_GRACE" "EVE_BUILD_SLOTS" "EVE_DEPLOY_SLOTS" "EVE_MASTER_KEY" "EVE_INTERNAL_API_KEY" "EVE_DATABASE_LISTEN_URL" "EVE_BLOBS_S3_ACCESS_KEY_ID" "EVE_BLOBS_S3_SECRET_ACCESS_KEY" }}
{{- if hasKey $.Values.settings . }}{{ fail (printf "settings.%s: the chart sets this one by a value of its own." .) }}{{ end }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}{{ fail "ingress.host: name the host that the API is reached by." }}{{ end }}
{{- with .Values.registry }}
{{- if .enabled }}
{{- if not .host }}{{ fail "registry.host: name the host (with port) by which nodes and builds reach the registry, or set registry.enabled=false." }}{{ end }}
{{- if and (eq .storage.type "s3") (not .storage.s3.bucket) }}{{ fail "registry.storage.s3.bucket: name the bucket of the registry, or set registry.storage.type=pvc." }}{{ end }}
{{- if and (ne .storage.type "s3") (gt (int .replicas) 1) }}{{ fail "registry.replicas: more than one needs registry.storage.type=s3." }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{/* CNCF distribution 2.8 or 3; what is secret comes by variables. */}}
{{- define "eve.registryConfig" -}}
{{- $registry := .Values.registry -}}
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage:
  delete: { enabled: true }
  {{- if eq $registry.storage.type "s3" }}
  s3:
    bucket: {{ $registry.storage.s3.bucket | quote }}
    region: {{ $registry.storage.s3.region | default "us-east-1" | quote }}
    {{- with $registry.storage.s3.endpoint }}
    regionendpoint: {{ . | quote }}
    {{- end }}
    {{- with $registry.storage.s3.rootDirectory }}
    rootdirectory: {{ . | quote }}
    {{- end }}
  {{- else }}
  filesystem: { rootdirectory: /var/lib/registry }
  {{- end }}
http:
  addr: ":5000"
  draintimeout: 10s
  headers: { X-Content-Type-Options: [nosniff] }
  {{- if $registry.tlsSecret }}
  tls: { certificate: /etc/registry-tls/tls.crt, key: /etc/registry-tls/tls.key }
  {{- end }}
auth:
  token:
    realm: {{ printf "%s/registry/token" (trimSuffix "/" .Values.publicUrl) | quote }}
    service: eve-registry
    issuer: eve-api
    rootcertbundle: /etc/registry-token/token.crt
{{- end }}
