{{/* Variables: settings of the values, of the chart, and what reaches Kafka. */}}

{{/* A value as a variable has it: lists with commas, whole numbers as such. */}}
{{- define "chargewire.asText" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if kindIs "float64" . -}}
{{- if eq (floor .) . -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* Variables of settings, in the order of their names. Takes a map. */}}
{{- define "chargewire.settings" -}}
{{- range $name, $value := . }}
- name: CHARGEWIRE_{{ upper $name }}
  value: {{ include "chargewire.asText" $value | quote }}
{{- end }}
{{- end -}}

{{/* Kafka's client options as they are in force. Takes root. */}}
{{- define "chargewire.kafkaOptions" -}}
{{- $found := dict -}}
{{- $strimzi := .root.Values.strimzi -}}
{{- if and $strimzi.enabled (eq $strimzi.users "scram-sha-512") -}}
{{- $found = dict "security.protocol" "SASL_SSL" "sasl.mechanism" "SCRAM-SHA-512" -}}
{{- else if and $strimzi.enabled (eq $strimzi.users "tls") -}}
{{- $found = dict "security.protocol" "SSL" -}}
{{- end -}}
{{- toYaml (mergeOverwrite $found (deepCopy .root.Values.kafka.options)) -}}
{{- end -}}

{{/* The Secret and key of the authorities that brokers' certificates come from, or nothing. */}}
{{- define "chargewire.kafkaAuthorities" -}}
{{- $values := .root.Values -}}
{{- if $values.kafka.authorities.secret -}}
{{- toYaml $values.kafka.authorities -}}
{{- else if and $values.strimzi.enabled (ne $values.strimzi.users "none") -}}
secret: {{ $values.strimzi.cluster }}-cluster-ca-cert
key: ca.crt
{{- end -}}
{{- end -}}

{{/* The Secret of the program's own certificate, and what it calls its parts, or nothing. */}}
{{- define "chargewire.kafkaCertificate" -}}
{{- $values := .root.Values -}}
{{- if $values.kafka.certificate.secret -}}
{secret: {{ $values.kafka.certificate.secret }}, certificate: tls.crt, key: tls.key}
{{- else if and $values.strimzi.enabled (eq $values.strimzi.users "tls") -}}
{secret: {{ include "chargewire.fullname" .root }}-{{ .program }}, certificate: user.crt, key: user.key}
{{- end -}}
{{- end -}}

{{/* What every program knows of Kafka. Takes root, program. */}}
{{- define "chargewire.kafkaEnv" -}}
{{- $values := .root.Values -}}
- name: CHARGEWIRE_KAFKA
  value: {{ required "kafka.bootstrap is missing: host:port of your brokers, several separated by commas" $values.kafka.bootstrap | quote }}
- name: CHARGEWIRE_PREFIX
  value: {{ $values.topics.prefix | quote }}
- name: CHARGEWIRE_PARTITIONS
  value: {{ include "chargewire.asText" $values.topics.partitions | quote }}
{{- range $option, $value := include "chargewire.kafkaOptions" . | fromYaml }}
- name: CHARGEWIRE_KAFKA_{{ $option | upper | replace "." "_" }}
  value: {{ include "chargewire.asText" $value | quote }}
{{- end }}
{{- if and $values.strimzi.enabled (eq $values.strimzi.users "scram-sha-512") }}
- name: CHARGEWIRE_KAFKA_SASL_JAAS_CONFIG
  valueFrom:
    secretKeyRef:
      name: {{ include "chargewire.fullname" .root }}-{{ .program }}
      key: sasl.jaas.config
{{- end }}
{{- with include "chargewire.kafkaAuthorities" . | fromYaml }}
- name: CHARGEWIRE_KAFKA_SSL_CA_LOCATION
  value: /etc/chargewire/kafka-authorities/{{ .key }}
{{- end }}
{{- with include "chargewire.kafkaCertificate" . | fromYaml }}
- name: CHARGEWIRE_KAFKA_SSL_CERTIFICATE_LOCATION
  value: /etc/chargewire/kafka-certificate/{{ .certificate }}
- name: CHARGEWIRE_KAFKA_SSL_KEY_LOCATION
  value: /etc/chargewire/kafka-certificate/{{ .key }}
{{- end }}
{{- end -}}

{{/* Where the store of a consumer is. Takes root, name, values of the consumer. */}}
{{- define "chargewire.storeEnv" -}}
{{- $secret := .values.store.secret | default .root.Values.store.secret -}}
{{- if not $secret -}}
{{- fail (printf "consumer %s has no store: set store.secret to a Secret whose key %q holds postgresql://USER:PASSWORD@HOST/DATABASE, or consumers.%s.enabled to false.\nA Secret is made so: kubectl create secret generic chargewire-store --from-literal=%s=postgresql://…" .name .root.Values.store.key .name .root.Values.store.key) -}}
{{- end -}}
- name: CHARGEWIRE_STORE
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ .values.store.key | default .root.Values.store.key }}
{{- end -}}
