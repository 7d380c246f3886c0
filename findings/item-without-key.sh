#!/bin/sh
# kustomize 5.7.1: a strategic merge patch whose list item has no merge key empties the list, without a word.
. "$(dirname "$0")/lib"

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
