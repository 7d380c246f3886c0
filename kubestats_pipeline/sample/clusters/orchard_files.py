"""Manifests that only orchard/argo-homelab has. Its history is in `orchard.py`."""

ROOT = """\
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: root
  namespace: argocd
  finalizers:
    - resources-finalizer.argocd.argoproj.io
spec:
  project: default
  source:
    repoURL: https://git.example.com/orchard/argo-homelab.git
    targetRevision: main
    path: argocd
  destination:
    server: https://kubernetes.default.svc
    namespace: argocd
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
"""

CERT_MANAGER = """\
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: cert-manager
  namespace: argocd
spec:
  project: default
  source:
    chart: cert-manager
    repoURL: https://charts.jetstack.io
    targetRevision: v1.19.4
    helm:
      releaseName: cert-manager
      values: |
        crds:
          enabled: true
        prometheus:
          enabled: false
  destination:
    server: https://kubernetes.default.svc
    namespace: cert-manager
  syncPolicy:
    syncOptions:
      - CreateNamespace=true
"""

CERT_MANAGER_VALUES = """\
      values: |
        crds:
          enabled: true
        prometheus:
          enabled: false
"""

CERT_MANAGER_OBJECT = """\
      valuesObject:
        crds:
          enabled: true
        prometheus:
          enabled: false
"""

METRICS = """\
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: metrics
  namespace: argocd
spec:
  project: default
  sources:
    - chart: kube-prometheus-stack
      repoURL: https://prometheus-community.github.io/helm-charts
      targetRevision: 82.4.1
      helm:
        valueFiles:
          - $values/values/metrics.yaml
    - repoURL: https://git.example.com/orchard/argo-homelab.git
      targetRevision: main
      ref: values
  destination:
    server: https://kubernetes.default.svc
    namespace: metrics
"""

METRICS_VALUES = """\
grafana:
  enabled: false
prometheus:
  prometheusSpec:
    retention: 30d
"""

VALKEY = """\
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: valkey
  namespace: argocd
spec:
  project: default
  source:
    chart: valkey
    repoURL: registry-1.docker.io/cloudpirates
    targetRevision: 0.9.2
  destination:
    server: https://kubernetes.default.svc
    namespace: valkey
"""

APPS = """\
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: apps
  namespace: argocd
spec:
  goTemplate: false
  generators:
    - git:
        repoURL: https://git.example.com/orchard/argo-homelab.git
        revision: main
        directories:
          - path: apps/*
  template:
    metadata:
      name: '{{path.basename}}'
    spec:
      project: default
      source:
        repoURL: https://git.example.com/orchard/argo-homelab.git
        targetRevision: main
        path: '{{path}}'
      destination:
        server: https://kubernetes.default.svc
        namespace: '{{path.basename}}'
      syncPolicy:
        automated:
          prune: true
"""

JELLYFIN_CHART = """\
apiVersion: v2
name: jellyfin
version: 0.0.0
dependencies:
  - name: app-template
    version: 4.4.0
    repository: https://bjw-s-labs.github.io/helm-charts
"""

JELLYFIN_VALUES = """\
app-template:
  controllers:
    jellyfin:
      containers:
        app:
          image:
            repository: ghcr.io/jellyfin/jellyfin
            tag: 10.11.5
  service:
    app:
      controller: jellyfin
      ports:
        http:
          port: 8096
films:
  size: 500Gi
"""

JELLYFIN_CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .Release.Name }}-films
  {{- with .Values.films.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  accessModes: [ReadWriteMany]
  resources:
    requests:
      storage: {{ .Values.films.size }}
"""

WHOAMI = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: whoami
  labels:
    app.kubernetes.io/name: whoami
spec:
  replicas: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: whoami
  template:
    metadata:
      labels:
        app.kubernetes.io/name: whoami
    spec:
      initContainers:
        - name: wait
          image: busybox:1.37
          command: [sh, -c, "sleep 1"]
      containers:
        - name: whoami
          image: traefik/whoami:v1.10
          ports:
            - containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: whoami
spec:
  selector:
    app.kubernetes.io/name: whoami
  ports:
    - port: 80
"""

BACKUP = """\
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: backup
spec:
  schedule: 30 2 * * *
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: OnFailure
          containers:
            - name: restic
              image: restic/restic:0.18.0
              args: [backup, /data]
              envFrom:
                - configMapRef:
                    name: backup
"""

BACKUP_SETTINGS = """\
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: backup
data:
  RESTIC_REPOSITORY: s3:https://minio.orchard.example/backup
  RESTIC_KEEP: "14"
"""

BACKUP_KUSTOMIZATION = """\
---
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: backup
resources:
  - cronjob.yaml
  - settings.yaml
images:
  - name: restic/restic
    newTag: 0.18.1
"""

DASHBOARD_KUSTOMIZATION = """\
---
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: dashboard
helmCharts:
  - name: podinfo
    repo: https://stefanprodan.github.io/podinfo
    version: 6.10.0
    releaseName: dashboard
    valuesInline:
      ui:
        message: apples, mostly
"""

WORKFLOW = """\
name: lint
on: pull_request
jobs:
  lint:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - run: yamllint .
"""
