"""Manifests that only magpie/infra has, good and bad ones. Its history is in `magpie.py`.

Nothing here is secret: the ciphertext is a hash, and every password reads as an example.
"""

from kubestats_pipeline.sample.clusters.manifests import document, encrypted

SOPS = """\
sops:
  age:
    - recipient: age1magpieexampleexampleexampleexampleexampleexampleexamplexx
      enc: |
        -----BEGIN AGE ENCRYPTED FILE-----
        bm90IGEga2V5LCBvbmx5IGFuIGV4YW1wbGU=
        -----END AGE ENCRYPTED FILE-----
  lastmodified: "2026-05-10T09:00:00Z"
"""

ROUTER_SOPS = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: router
  namespace: kube-system
type: Opaque
data:
  user: {encrypted("magpie user")}
  password: {encrypted("magpie password")}
{SOPS}  mac: {encrypted("magpie mac")}
  encrypted_regex: ^(data|stringData)$
  version: 3.10.2
"""

ALLOWLIST_SOPS = f"""\
apiVersion: {encrypted("v1")}
kind: {encrypted("ConfigMap")}
metadata:
  name: {encrypted("allowlist")}
data:
  people: {encrypted("nobody")}
{SOPS}  mac: {encrypted("magpie second mac")}
  version: 3.10.2
"""

GRAFANA_ADMIN = """\
---
apiVersion: v1
kind: Secret
metadata:
  name: grafana-admin
  namespace: monitoring
type: Opaque
stringData:
  user: admin
  password: not-a-real-password
"""

MQTT_SEALED = """\
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: mqtt
  namespace: home
spec:
  encryptedData:
    password: AgBub3QgYSByZWFsIHNlYWxlZCBzZWNyZXQ=
  template:
    metadata:
      name: mqtt
    type: Opaque
"""

HELM_CHART = """\
---
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata:
  name: traefik
  namespace: kube-system
spec:
  repo: https://traefik.github.io/charts
  chart: traefik
  version: 38.0.1
  targetNamespace: kube-system
  valuesContent: |-
    deployment:
      replicas: 1
    providers:
      kubernetesGateway:
        enabled: true
"""

LIST = """\
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Namespace
    metadata:
      name: home
  - apiVersion: v1
    kind: Namespace
    metadata:
      name: monitoring
  - apiVersion: v1
    kind: ServiceAccount
    metadata:
      name: janitor
      namespace: home
"""

MQTT = """\
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: mqtt
  namespace: home
spec:
  serviceName: mqtt
  replicas: 1
  selector:
    matchLabels:
      app: mqtt
  template:
    metadata:
      labels:
        app: mqtt
    spec:
      containers:
        - name: mqtt
          image: eclipse-mosquitto:2.0.22
          ports:
            - containerPort: 1883
---
apiVersion: v1
kind: Service
metadata:
  name: mqtt
  namespace: home
spec:
  selector:
    app: mqtt
  ports:
    - port: 1883
"""

CRONJOB = """\
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: janitor
  namespace: home
spec:
  schedule: "@daily"
  jobTemplate:
    spec:
      template:
        spec:
          serviceAccountName: janitor
          restartPolicy: Never
          containers:
            - name: janitor
              image: registry.magpie.example:5000/janitor:0.4.0
"""

SETTINGS = """\
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: janitor
  namespace: home
data:
  KEEP_DAYS: "30"
  NOTES: |
    shiny things stay
"""

ROUTE = """\
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: whiteboard
  namespace: home
spec:
  hostnames: [whiteboard.magpie.example]
  parentRefs:
    - name: traefik-gateway
      namespace: kube-system
  rules:
    - matches:
        - path: {type: PathPrefix, value: /}
      backendRefs:
        - name: whiteboard
          port: 8080
"""

BROKEN_AT_TIP = """\
---
apiVersion: v1
kind: Service
metadata:
  name: printer
  namespace: home
spec:
  ports:
    - port: 631
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: printer
  namespace: home
data:
  driver: "laser
  paper: [a4, a5
"""

JINJA = """\
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: node-{{ item.name }}
data:
{% for key, value in item.labels.items() %}
  {{ key }}: "{{ value }}"
{% endfor %}
"""

OLD_LATIN = document("""
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: menu
      namespace: home
    data:
      tuesday: crème brûlée
    """).encode("latin-1")

ALIAS_BOMB = """\
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: bomb
data: {}
shiny:
  a: &a [o, o, o, o, o, o, o, o, o, o]
  b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
  c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
  d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
  e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
  f: [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
"""

LOCAL_CHART_RELEASE = """\
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: whiteboard
  namespace: home
spec:
  interval: 1h
  chart:
    spec:
      chart: ./charts/whiteboard
      sourceRef:
        kind: GitRepository
        name: flux-system
        namespace: flux-system
  values:
    image:
      repository: registry.magpie.example:5000/whiteboard
      tag: 2026.05.1
"""

LOCAL_CHART = """\
apiVersion: v2
name: whiteboard
version: 0.1.0
appVersion: 2026.05.1
"""

LOCAL_CHART_TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  template:
    spec:
      containers:
        - name: app
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
"""

ARCHIVED_NOTE = """\
# old things

Kept, because one never knows.
"""

SCRIPT = """\
#!/bin/sh
set -eu
kubectl apply --server-side -f "$1"
"""
