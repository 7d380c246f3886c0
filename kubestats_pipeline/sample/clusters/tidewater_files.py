"""Manifests that only tidewater/home-ops has. Its history is in `tidewater.py`."""

from kubestats_pipeline.sample.clusters.manifests import encrypted

SECRETS = f"""\
---
apiVersion: v1
kind: Secret
metadata:
  name: cluster-secrets
  namespace: flux-system
stringData:
  SECRET_DOMAIN: {encrypted("tidewater domain")}
  SECRET_TUNNEL_KEY: {encrypted("tidewater tunnel")}
sops:
  age:
    - recipient: age1tidewaterexampleexampleexampleexampleexampleexampleexample
      enc: |
        -----BEGIN AGE ENCRYPTED FILE-----
        bm90IGEga2V5LCBvbmx5IGFuIGV4YW1wbGU=
        -----END AGE ENCRYPTED FILE-----
  lastmodified: "2026-05-02T17:20:11Z"
  mac: {encrypted("tidewater mac")}
  encrypted_regex: ^(data|stringData)$
  version: 3.11.0
"""

SUBSTITUTE_FROM = """\
  postBuild:
    substituteFrom:
      - kind: Secret
        name: cluster-secrets
"""

REPOS_COMPONENT = """\
---
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources:
  - ./ocirepository.yaml
"""

CILIUM_VALUES = """\
kubeProxyReplacement: true
k8sServiceHost: 127.0.0.1
k8sServicePort: 7445
operator:
  replicas: 1
gatewayAPI:
  enabled: true
"""

HOME_ASSISTANT_VALUES = """\
controllers:
  home-assistant:
    containers:
      app:
        image:
          repository: ghcr.io/home-assistant/home-assistant
          tag: 2026.5
        probes:
          liveness: &probe
            enabled: true
            custom: true
            spec: &spec
              httpGet:
                path: /manifest.json
                port: &port 8123
              periodSeconds: 10
          readiness: *probe
          startup:
            <<: *probe
            spec:
              <<: *spec
              failureThreshold: 30
      code-server:
        image:
          repository: ghcr.io/coder/code-server
          tag: 4.108.0
        args: ["--auth", "none", "/config"]
service:
  app:
    controller: home-assistant
    ports:
      http:
        port: *port
persistence:
  config:
    existingClaim: home-assistant
"""

HOME_ASSISTANT_CLAIM = """\
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: home-assistant
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 10Gi
"""

DATABASE = """\
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: postgres
spec:
  instances: 2
  imageName: ghcr.io/cloudnative-pg/postgresql:17.6
  storage:
    size: 20Gi
---
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata:
  name: postgres
spec:
  schedule: "0 0 3 * * *"
  cluster:
    name: postgres
"""

TUNNEL_KUSTOMIZATIONS = """\
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: tunnel-cabin
spec:
  interval: 1h
  path: ./kubernetes/apps/network/tunnel/template
  prune: true
  targetNamespace: network
  sourceRef:
    kind: GitRepository
    name: flux-system
    namespace: flux-system
  postBuild:
    substitute:
      TUNNEL: cabin
      TUNNEL_PORT: "51820"
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: tunnel-boat
spec:
  interval: 1h
  path: ./kubernetes/apps/network/tunnel/template
  prune: true
  targetNamespace: network
  sourceRef:
    kind: GitRepository
    name: flux-system
    namespace: flux-system
  postBuild:
    substitute:
      TUNNEL: boat
      TUNNEL_PORT: "51821"
"""

TUNNEL = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: tunnel-${TUNNEL}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: tunnel-${TUNNEL}
  template:
    metadata:
      labels:
        app: tunnel-${TUNNEL}
    spec:
      containers:
        - name: app
          image: registry.tidewater.example/tunnel:${TUNNEL_VERSION:=1.3.0}
          ports:
            - containerPort: ${TUNNEL_PORT}
              protocol: UDP
"""

TIDES_VALUES = """\
image:
  repository: registry.tidewater.example/tides
  tag: 1.9
station: ${TIDE_STATION:=harbour}
"""

TIDES_DOCUMENTED = """\
# Shows the tide table of our own harbour on the kitchen's screen.
# The chart is ours too: it lives beside the application.
"""

MINIFLUX_VALUES = """\
controllers:
  miniflux:
    containers:
      app:
        image:
          repository: ghcr.io/miniflux/miniflux
          tag: 2.2.17
        env:
          RUN_MIGRATIONS: "1"
          DATABASE_URL:
            valueFrom:
              secretKeyRef:
                name: miniflux
                key: url
service:
  app:
    controller: miniflux
    ports:
      http:
        port: 8080
"""
