{{/* The pod, of a Deployment and of a StatefulSet alike. */}}
{{- define "gatewright.pod" -}}
{{- $facts := include "gatewright.facts" . | fromYaml -}}
metadata:
  annotations:
    checksum/config: {{ .Values.config | sha256sum }}
    checksum/secret: {{ .Values.secretEnv | toYaml | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- include "gatewright.selectorLabels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "gatewright.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "gatewright.gracePeriod" . }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  containers:
    - name: gatewright
      image: {{ include "gatewright.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve, -c, /etc/gatewright/gateway.yaml]
      ports:
        - {name: ws, containerPort: {{ $facts.public }}, protocol: TCP}
        - {name: internal, containerPort: {{ $facts.internal }}, protocol: TCP}
      env:
        - name: POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: POD_NAMESPACE
          valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
        {{- range $name, $value := .Values.env }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if or .Values.secretEnv .Values.existingSecret }}
      envFrom:
        {{- with .Values.existingSecret }}
        - secretRef: {name: {{ . | quote }}}
        {{- end }}
        {{- if .Values.secretEnv }}
        - secretRef: {name: {{ include "gatewright.fullname" . }}}
        {{- end }}
      {{- end }}
      startupProbe:
        httpGet: {path: /health, port: internal}
        {{- toYaml .Values.probes.startup | nindent 8 }}
      livenessProbe:
        httpGet: {path: /health, port: internal}
        {{- toYaml .Values.probes.liveness | nindent 8 }}
      readinessProbe:
        httpGet: {path: {{ .Values.probes.readiness.path }}, port: internal}
        {{- toYaml (omit .Values.probes.readiness "path") | nindent 8 }}
      {{- if gt (int .Values.preStopSeconds) 0 }}
      lifecycle:
        preStop:
          {{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}
          sleep: {seconds: {{ int .Values.preStopSeconds }}}
          {{- else }}
          exec: {command: [python, -c, "import time; time.sleep({{ int .Values.preStopSeconds }})"]}
          {{- end }}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/gatewright, readOnly: true}
        - {name: state, mountPath: /var/lib/gatewright}
        - {name: tmp, mountPath: /tmp}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "gatewright.fullname" . }}}
    {{- if not .Values.persistence.enabled }}
    - name: state
      emptyDir: {sizeLimit: {{ .Values.persistence.size }}}
    {{- end }}
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  {{- $selector := dict "matchLabels" (include "gatewright.selectorLabels" $ | fromYaml) }}
  {{- $spread := list }}
  {{- range . }}
  {{- $spread = append $spread (merge dict . (dict "labelSelector" $selector)) }}
  {{- end }}
  topologySpreadConstraints:
    {{- toYaml $spread | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
