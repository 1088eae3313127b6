{{/*
What the chart has to know of the gateway's file, as YAML: ports, the WebSocket's path, the seconds of a
drain. Read from the file itself, so that the two cannot disagree.
*/}}
{{- define "gatewright.facts" -}}
{{- $config := .Values.config | fromYaml -}}
{{- if hasKey $config "Error" -}}
{{- fail (printf "config: not YAML: %s" $config.Error) -}}
{{- end -}}
{{- $server := $config.server | default dict -}}
{{- $public := include "gatewright.port" (dict "server" $server "option" "bind") -}}
{{- $internal := include "gatewright.port" (dict "server" $server "option" "internal_bind") -}}
{{- if eq $public $internal -}}
{{- fail (printf "config: server.bind and server.internal_bind both have port %s; give them different ones" $public) -}}
{{- end -}}
{{- $drain := include "gatewright.seconds" (dict "server" $server "option" "drain_seconds" "default" 10) | float64 -}}
{{- $flush := include "gatewright.seconds" (dict "server" $server "option" "flush_seconds" "default" 5) | float64 -}}
{{- $open := include "gatewright.seconds" (dict "server" $server "option" "open_seconds" "default" 10) | float64 -}}
{{- $path := default "/ws" $server.path -}}
{{- if not (hasPrefix "/" $path) -}}
{{- fail (printf "config: server.path must be written out and begin with a slash, found %q" $path) -}}
{{- end -}}
public: {{ $public }}
internal: {{ $internal }}
path: {{ $path | quote }}
tls: {{ not (empty $server.tls) }}
drain: {{ addf $drain $flush | ceil | int }}
longest: {{ addf $drain $flush (mulf 3 $open) 20 5 | ceil | int }}
{{- end -}}

{{/* The port of a bind, which pods of others must be able to reach. */}}
{{- define "gatewright.port" -}}
{{- $bind := get .server .option | default "" | toString -}}
{{- if not $bind -}}
{{- fail (printf "config: server.%s is missing; the chart needs server.bind for clients and server.internal_bind for /internal and /metrics, such as 0.0.0.0:8000 and 0.0.0.0:8001" .option) -}}
{{- end -}}
{{- $found := regexFind ":[0-9]+$" $bind | trimPrefix ":" -}}
{{- if or (not $found) (contains "${" $bind) (lt (int $found) 1) (gt (int $found) 65535) -}}
{{- fail (printf "config: server.%s must be host:port, written out, with a port from 1 to 65535; found %q" .option $bind) -}}
{{- end -}}
{{- if regexMatch "^(127\\.|localhost:|\\[::1\\])" $bind -}}
{{- fail (printf "config: server.%s is %q, which nobody outside the pod reaches; write 0.0.0.0:%s" .option $bind $found) -}}
{{- end -}}
{{- $found -}}
{{- end -}}

{{/* An option in seconds, which must be written out. */}}
{{- define "gatewright.seconds" -}}
{{- $value := index .server .option -}}
{{- if kindIs "invalid" $value -}}
{{- .default -}}
{{- else if regexMatch "^[0-9]+(\\.[0-9]+)?$" (toString $value) -}}
{{- $value -}}
{{- else -}}
{{- fail (printf "config: server.%s must be a number, written out, because the pod's grace period depends on it; found %q" .option (toString $value)) -}}
{{- end -}}
{{- end -}}

{{/* Seconds until the pod is killed. */}}
{{- define "gatewright.gracePeriod" -}}
{{- $facts := include "gatewright.facts" . | fromYaml -}}
{{- $stop := int .Values.preStopSeconds -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- add $stop $facts.longest -}}
{{- else -}}
{{- $given := int .Values.terminationGracePeriodSeconds -}}
{{- $needed := add $stop $facts.drain | int -}}
{{- if le $given $needed -}}
{{- fail (printf "terminationGracePeriodSeconds is %d: it must be more than preStopSeconds (%d) + drain_seconds and flush_seconds of config (%d), or pods are killed while they drain; leave it out to have it computed" $given $stop (int $facts.drain)) -}}
{{- end -}}
{{- $given -}}
{{- end -}}
{{- end -}}
