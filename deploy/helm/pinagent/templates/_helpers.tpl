{{- define "pinagent.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "pinagent.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- if .Values.metrics.enabled -}}
{{- $_ := set $settings "metrics-listen" "0.0.0.0:9478" -}}
{{- end -}}
{{- if .Values.annotatePods -}}
{{- $_ := set $settings "annotate-pods" true -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}
