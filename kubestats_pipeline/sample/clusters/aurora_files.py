"""Manifests that only aurora/home-cluster has. Its history is in `aurora.py`."""

SETTINGS = """\
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cluster-settings
  namespace: flux-system
data:
  CLUSTER_NAME: aurora
  SECRET_DOMAIN: aurora.example
  NODE_CIDR: 192.0.2.0/24
"""

ISSUER = """\
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata:
  name: letsencrypt
spec:
  acme:
    email: admin@aurora.example
    server: https://acme-v02.api.letsencrypt.org/directory
    privateKeySecretRef:
      name: letsencrypt
    solvers:
      - http01:
          ingress:
            ingressClassName: nginx
"""

PROMETHEUS_VALUES = """\
alertmanager:
  enabled: false
grafana:
  enabled: true
  # the admin's password comes from a Secret made by hand
  admin:
    existingSecret: grafana-admin
prometheus:
  prometheusSpec:
    retention: 7d
    resources:
      requests:
        cpu: 100m
        memory: 1Gi
"""

VALUES_FROM = """\
  valuesFrom:
    - kind: ConfigMap
      name: kube-prometheus-stack-values
"""

GENERATOR = """\
configMapGenerator:
  - name: kube-prometheus-stack-values
    files:
      - values.yaml=./helm/values.yaml
generatorOptions:
  disableNameSuffixHash: true
"""

HELLO = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
spec:
  replicas: 1
  selector:
    matchLabels: &labels
      app: hello
  template:
    metadata:
      labels: *labels
    spec:
      containers:
        - name: hello
          image: registry.aurora.example/hello:1.0.3 # {"$imagepolicy": "default:hello"}
          ports:
            - containerPort: 8080
"""

HELLO_POLICY = """\
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata:
  name: hello
spec:
  image: registry.aurora.example/hello
  interval: 10m
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata:
  name: hello
spec:
  imageRepositoryRef:
    name: hello
  policy:
    semver:
      range: 1.x
"""

PROMETHEUS_MORE_VALUES = """\
kubeProxy:
  enabled: false
kubeEtcd:
  enabled: false
"""

CERT_MANAGER_VALUES = """\
crds:
  enabled: true
"""

INGRESS_VALUES = """\
controller:
  replicaCount: 1
  allowSnippetAnnotations: no
  config:
    proxy-body-size: 64m
"""

PODINFO_VALUES = """\
ingress:
  enabled: true
  className: nginx
  hosts:
    - host: podinfo.${SECRET_DOMAIN}
      paths:
        - path: /
          pathType: Prefix
"""

LONGHORN_VALUES = """\
defaultSettings:
  defaultReplicaCount: 2
persistence:
  defaultClass: true
"""

SUBSTITUTE_FROM = """\
  postBuild:
    substituteFrom:
      - kind: ConfigMap
        name: cluster-settings
"""
