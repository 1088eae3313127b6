{{/* Values that contradict each other. What a value alone may be is in values.schema.json. */}}
{{- define "gatewright.checks" -}}
{{- $values := .Values -}}
{{- if and $values.persistence.enabled (ne $values.kind "StatefulSet") -}}
{{- fail "persistence.enabled needs kind: StatefulSet, so that each pod has a volume of its own" -}}
{{- end -}}
{{- if and $values.ingress.enabled (not $values.ingress.hosts) -}}
{{- fail "ingress.hosts is empty: name at least one host" -}}
{{- end -}}
{{- $pods := int $values.replicas -}}
{{- with $values.autoscaling -}}
{{- if .enabled -}}
{{- $pods = int .minReplicas -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas (%d) is more than autoscaling.maxReplicas (%d)" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- if not (or .connections .cpu) -}}
{{- fail "autoscaling is enabled and has nothing to go by: set autoscaling.connections or autoscaling.cpu" -}}
{{- end -}}
{{- if and .cpu (not (dig "requests" "cpu" "" ($values.resources | default dict))) -}}
{{- fail "autoscaling.cpu is a share of resources.requests.cpu, which is missing; set it, or autoscaling.cpu to null" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $values.podDisruptionBudget -}}
{{- $least := .minAvailable | toString -}}
{{- if and .enabled (not (kindIs "invalid" .minAvailable)) -}}
{{- if or (eq $least "100%") (and (not (hasSuffix "%" $least)) (ge (int .minAvailable) $pods)) -}}
{{- fail (printf "podDisruptionBudget.minAvailable is %s of %d pods: no machine could ever be emptied; make it less, or leave it to maxUnavailable" $least $pods) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := $values.secretEnv -}}
{{- if hasKey $values.env $name -}}
{{- fail (printf "%s is in env and in secretEnv; leave it in secretEnv" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
