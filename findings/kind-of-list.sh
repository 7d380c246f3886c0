#!/bin/sh
# kustomize 5.7.1: an object whose kind ends in List vanishes if it has an empty `items`, because it is taken for a list.
. "$(dirname "$0")/lib"

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
