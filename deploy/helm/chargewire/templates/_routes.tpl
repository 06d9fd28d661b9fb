{{/* Ways in from outside. */}}

{{/* Takes root, program, service, port, path, route (values). */}}
{{- define "chargewire.httpRoute" -}}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "chargewire.metadata" . | nindent 2 }}
  {{- with .route.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs:
    {{- toYaml .route.parentRefs | nindent 4 }}
  {{- with .route.hostnames }}
  hostnames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: {{ .path }}
      # What stays open for weeks is no late answer (GEP-1742: 0s is no limit).
      timeouts:
        request: 0s
        backendRequest: 0s
      backendRefs:
        - name: {{ .service }}
          port: {{ .port }}
{{- end -}}

{{/* Takes root, program, service, port, path, passthrough, ingress (values). */}}
{{- define "chargewire.ingress" -}}
{{- $annotations := deepCopy .ingress.annotations -}}
{{- if .passthrough -}}
{{- $_ := set $annotations "nginx.ingress.kubernetes.io/ssl-passthrough" "true" -}}
{{- end -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "chargewire.metadata" . | nindent 2 }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if or .ingress.tlsSecret .passthrough }}
  tls:
    - hosts:
        {{- toYaml .ingress.hosts | nindent 8 }}
      {{- with .ingress.tlsSecret }}
      secretName: {{ . }}
      {{- end }}
  {{- end }}
  rules:
    {{- range .ingress.hosts }}
    - host: {{ . | quote }}
      http:
        paths:
          - path: {{ $.path }}
            pathType: Prefix
            backend:
              service:
                name: {{ $.service }}
                port:
                  number: {{ $.port }}
    {{- end }}
{{- end -}}
