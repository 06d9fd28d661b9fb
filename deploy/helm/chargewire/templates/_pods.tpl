{{/* Pods: what is alike for all programs and Jobs. */}}

{{- define "chargewire.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Who a pod is: never root, nothing of the Kubernetes API. */}}
{{- define "chargewire.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- with .Values.user }}
  runAsUser: {{ int . }}
  runAsGroup: {{ int . }}
  fsGroup: {{ int . }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
Secrets as files below /etc/chargewire: a list of name and secret. Takes more (such a list) and files
(names and Secrets of the values).
*/}}
{{- define "chargewire.files" -}}
{{- $found := .more | default list -}}
{{- range $name, $secret := .files -}}
{{- $found = append $found (dict "name" $name "secret" $secret) -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* The same with what reaches Kafka. Takes root and program, too. */}}
{{- define "chargewire.filesWithKafka" -}}
{{- $found := include "chargewire.files" . | fromYamlArray -}}
{{- with include "chargewire.kafkaAuthorities" . | fromYaml }}
{{- $found = append $found (dict "name" "kafka-authorities" "secret" .secret) -}}
{{- end -}}
{{- with include "chargewire.kafkaCertificate" . | fromYaml }}
{{- $found = append $found (dict "name" "kafka-certificate" "secret" .secret) -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Takes a list of name and secret. */}}
{{- define "chargewire.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- range . }}
- name: {{ .name }}
  mountPath: /etc/chargewire/{{ .name }}
  readOnly: true
{{- end }}
{{- end -}}

{{/* Takes a list of name and secret. */}}
{{- define "chargewire.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- range . }}
- name: {{ .name }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 288 # 0440
{{- end }}
{{- end -}}

{{/* Where pods go. Takes the values of a program. */}}
{{- define "chargewire.scheduling" -}}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with index $ $field }}
{{- if kindIs "string" . }}
{{ $field }}: {{ quote . }}
{{- else }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
The Deployment of a program. Takes root, program, values (of the program), args, settings (which
the chart chooses), env (more variables as YAML), files (list of name and secret), ports (as YAML),
probes, strategy, lifecycle and grace (YAML), scaled (whether something else sets replicas).
*/}}
{{- define "chargewire.deployment" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- $files := include "chargewire.filesWithKafka" (dict "root" $root "program" .program "more" .files "files" $values.files) | fromYamlArray -}}
{{- $secret := $values.kafkaSecret | default $root.Values.kafka.secret -}}
{{- if hasKey $values.config "frame_limit_bytes" -}}
{{- fail (printf "frame_limit_bytes of %s alone: topics have to hold the frames of all, so it belongs into config" .program) -}}
{{- end -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "chargewire.metadata" . | nindent 2 }}
spec:
  {{- if not .scaled }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  {{- .rollout | nindent 2 }}
  selector:
    matchLabels:
      {{- include "chargewire.selector" . | nindent 6 }}
  template:
    metadata:
      # Without versions: a release that changes nothing of the pods restarts none.
      labels:
        {{- include "chargewire.selector" . | nindent 8 }}
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "chargewire.serviceAccount" $root }}
      {{- include "chargewire.podSecurity" $root | nindent 6 }}
      {{- with .grace }}
      terminationGracePeriodSeconds: {{ . }}
      {{- end }}
      {{- with include "chargewire.scheduling" $values | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with $values.topologySpread }}
      topologySpreadConstraints:
        {{- range . }}
        - topologyKey: {{ . }}
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "chargewire.selector" (pick $ "root" "program") | nindent 14 }}
          # Only pods of one revision are compared: or a rolling update would end unevenly.
          matchLabelKeys: [pod-template-hash]
        {{- end }}
      {{- end }}
      containers:
        - name: {{ .program }}
          image: {{ include "chargewire.image" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: {{ toJson .args }}
          securityContext:
            {{- include "chargewire.securityContext" . | nindent 12 }}
          {{- with $secret }}
          envFrom:
            - secretRef:
                name: {{ . }}
          {{- end }}
          env:
            {{- include "chargewire.kafkaEnv" . | nindent 12 }}
            {{- with .env }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- include "chargewire.settings" (mergeOverwrite (deepCopy $root.Values.config) (deepCopy $values.config) .settings) | trim | nindent 12 }}
            {{- with $values.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            {{- .ports | nindent 12 }}
          {{- .probes | nindent 10 }}
          {{- with .lifecycle }}
          lifecycle:
            {{- . | nindent 12 }}
          {{- end }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            {{- include "chargewire.volumeMounts" $files | nindent 12 }}
      volumes:
        {{- include "chargewire.volumes" $files | nindent 8 }}
{{- end -}}

{{/*
Probes of a program's port. A program that waits for Kafka or its database is alive and not ready,
so being killed is left to those whose loop no longer turns. Takes port, ready, live, host.
*/}}
{{- define "chargewire.probes" -}}
startupProbe:
  {{- include "chargewire.asked" (dict "path" .live "port" .port "host" .host) | nindent 2 }}
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  {{- include "chargewire.asked" (dict "path" .ready "port" .port "host" .host) | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  {{- include "chargewire.asked" (dict "path" .live "port" .port "host" .host) | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}

{{- define "chargewire.asked" -}}
httpGet:
  path: {{ .path }}
  port: {{ .port }}
  {{- with .host }}
  httpHeaders:
    - name: Host
      value: {{ . }}
  {{- end }}
{{- end -}}

{{/* A PodDisruptionBudget. Takes root, program, disruptions. */}}
{{- define "chargewire.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "chargewire.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ .disruptions }}
  # A pod that does not work anyhow keeps nobody from emptying its node.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "chargewire.selector" . | nindent 6 }}
{{- end -}}
