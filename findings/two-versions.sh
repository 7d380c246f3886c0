#!/bin/sh
# kustomize 5.7.1: one object in two versions of its API comes out twice, though a cluster has it once.
. "$(dirname "$0")/lib"

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
