#!/bin/sh
# kustomize 5.7.1: the JSON patch operation `replace` makes a field that is not there, where its standard demands an error.
. "$(dirname "$0")/lib"

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
