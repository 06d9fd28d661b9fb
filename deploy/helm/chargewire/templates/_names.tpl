{{/* Names and labels. The longest name that is made is fullname-migrate or fullname-meter-readings. */}}

{{- define "chargewire.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "chargewire.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "chargewire.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "chargewire.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects pods, and never changes. Takes root and, if not of all programs, program. */}}
{{- define "chargewire.selector" -}}
app.kubernetes.io/name: {{ include "chargewire.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .program }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* Takes root and, if not of all programs, program. */}}
{{- define "chargewire.labels" -}}
{{ include "chargewire.selector" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 }}
{{- end -}}

{{/* The metadata of an object that belongs to a program. Takes root, program, and name if it is another. */}}
{{- define "chargewire.metadata" -}}
name: {{ include "chargewire.fullname" .root }}-{{ .name | default .program }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "chargewire.labels" (pick . "root" "program") | nindent 2 }}
{{- end -}}

{{- define "chargewire.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The name of the ServiceAccount of all programs. */}}
{{- define "chargewire.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "chargewire.fullname" .) -}}
{{- end -}}

{{/* Where stations connect, in a pod. */}}
{{- define "chargewire.stationsPort" -}}
{{- ternary 9443 9000 (not (empty .Values.gateway.tls.secret)) -}}
{{- end -}}

{{/* The enabled consumers as a YAML list. */}}
{{- define "chargewire.consumers" -}}
{{- range $name, $own := .Values.consumers }}
{{- if $own.enabled }}
- {{ $name }}
{{- end }}
{{- end }}
{{- end -}}

{{/* All values of a program: what is alike for all pods, for its kind, and its own. Takes root, program. */}}
{{- define "chargewire.valuesOf" -}}
{{- $values := .root.Values -}}
{{- $found := deepCopy $values.podDefaults -}}
{{- if hasKey $values.consumers .program -}}
{{- $found = mergeOverwrite $found (deepCopy $values.consumerDefaults) (deepCopy (index $values.consumers .program)) -}}
{{- else -}}
{{- $found = mergeOverwrite $found (deepCopy (index $values .program)) -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}
