"""Random small trees with kustomizations, the same for the same seed.

`store_answers.py` asks kubectl for their builds, and `test_answers.py` compares.
"""

import json
import random
from collections.abc import Callable
from typing import Any

Tree = dict[str, str]

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "replicas": 1,
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "serviceAccountName": "bot",
                "containers": [
                    {
                        "name": "main",
                        "image": "nginx:1.19",
                        "args": ["--a", "--b"],
                        "env": [
                            {"name": "A", "value": "1"},
                            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "x"}}},
                        ],
                        "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 443}],
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    },
                    {"name": "side", "image": "ghcr.io/org/side:2@sha256:" + "a" * 64},
                ],
                "initContainers": [{"name": "init", "image": "busybox"}],
                "volumes": [
                    {"name": "data", "configMap": {"name": "settings"}},
                    {"name": "model", "image": {"reference": "ghcr.io/org/model:1"}},
                    {"name": "key", "secret": {"secretName": "key"}},
                ],
                "tolerations": [{"key": "a", "operator": "Exists"}],
            },
        },
    },
}
RELEASE = {
    "apiVersion": "helm.toolkit.fluxcd.io/v2",
    "kind": "HelmRelease",
    "metadata": {"name": "app", "annotations": {"note": "one"}},
    "spec": {
        "interval": "1h",
        "chart": {
            "spec": {"chart": "app", "version": "1.2.3", "sourceRef": {"kind": "HelmRepository", "name": "repo"}}
        },
        "values": {
            "replicas": 2,
            "enabled": True,
            "image": {"repository": "org/app", "tag": "v1"},
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "initContainers": [{"name": "x", "image": "nginx:1.19"}],
            "hosts": ["a.example.org", "b.example.org"],
        },
        "valuesFrom": [{"kind": "ConfigMap", "name": "settings"}],
    },
}
OBJECTS: dict[str, dict[str, Any]] = {
    "web": DEPLOYMENT,
    "app": RELEASE,
    "app2": RELEASE | {"metadata": {"name": "app-2", "namespace": "two", "labels": {"tier": "b"}}},
    "settings": {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"x": "1", "v": "2.3.4"},
    },
    "service": {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "name": "http"}, {"port": 443, "name": "https"}]},
    },
    "account": {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bot"}},
    "role": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "reader"},
        "rules": [],
    },
    "binding": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "reads"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
        "subjects": [
            {"kind": "ServiceAccount", "name": "bot", "namespace": "default"},
            {"kind": "ServiceAccount", "name": "default", "namespace": "elsewhere"},
        ],
    },
    "space": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "space", "labels": {"team": "a"}}},
    "flux": {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "flux-system"},
        "spec": {
            "path": "./apps",
            "interval": "1h",
            "prune": True,
            "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
        },
    },
    "set": {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db"},
        "spec": {
            "serviceName": "web",
            "template": {"spec": {"containers": [{"name": "db", "image": "ghcr.io/org/db:placeholder"}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"storageClassName": "fast"}}],
        },
    },
    "ingress": {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web", "annotations": {"nginx.ingress.kubernetes.io/auth-tls-secret": "key"}},
        "spec": {
            "rules": [
                {"host": "a.example.org", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "web"}}}]}}
            ],
            "tls": [{"secretName": "key"}],
        },
    },
    "job": {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "job"},
        "spec": {
            "schedule": "* * * * *",
            "jobTemplate": {
                "spec": {
                    "template": {
                        "spec": {
                            "containers": [
                                {
                                    "name": "job",
                                    "image": "docker.io/library/nginx",
                                    "envFrom": [{"configMapRef": {"name": "settings"}}],
                                }
                            ]
                        }
                    }
                }
            },
        },
    },
    "issuer": {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": "issuer"},
        "spec": {"x": None},
    },
}
_IMAGES: list[dict[str, Any]] = [
    {"name": "nginx", "newTag": "1.20"},
    {"name": "nginx", "newName": "mirror.example.org:5000/nginx"},
    {"name": "ghcr.io/org/side", "newTag": "3"},
    {"name": "ghcr.io/org/.*", "newTag": "9"},
    {"name": ".*/nginx", "newTag": "7", "digest": "sha256:" + "b" * 64},
    {"name": "busybox", "digest": "sha256:" + "c" * 64},
    {"name": "nginx:1.19", "newTag": "2"},
    {"name": "ghcr.io/org/side", "tagSuffix": "-x"},
    {"name": "nginx", "newTag": 1.2},
    {"name": "(bad", "newTag": "1"},
]
_TARGETS: list[dict[str, Any]] = [
    {"kind": "Deployment"},
    {"kind": "HelmRelease", "name": "app"},
    {"kind": "HelmRelease", "name": "app.*"},
    {"kind": "HelmRelease|Deployment"},
    {"group": "apps", "version": "v1", "kind": "Deployment", "name": "web"},
    {"namespace": "default"},
    {"namespace": "two"},
    {"labelSelector": "app=web"},
    {"labelSelector": "tier in (a,b)"},
    {"annotationSelector": "note=one"},
    {"kind": "Nothing"},
    {"name": "web"},
]
_OPERATIONS: list[list[dict[str, Any]]] = [
    [{"op": "add", "path": "/metadata/labels", "value": {"new": "yes"}}],
    [{"op": "add", "path": "/metadata/annotations/a~1b", "value": "x"}],
    [{"op": "replace", "path": "/spec/values/image/tag", "value": "v2"}],
    [{"op": "replace", "path": "/spec/values/nope", "value": 1}],
    [{"op": "remove", "path": "/spec/values/hosts/0"}],
    [{"op": "remove", "path": "/spec/values/nope"}],
    [{"op": "add", "path": "/spec/values/hosts/-", "value": "c"}],
    [{"op": "add", "path": "/spec/values/hosts/1", "value": "c"}],
    [{"op": "add", "path": "/spec/values/hosts/9", "value": "c"}],
    [{"op": "replace", "path": "/spec/values/hosts/-1", "value": "last"}],
    [{"op": "replace", "path": "/spec/values/hosts/5", "value": "last"}],
    [
        {"op": "test", "path": "/spec/values/replicas", "value": 2},
        {"op": "replace", "path": "/spec/values/replicas", "value": 3},
    ],
    [{"op": "test", "path": "/spec/nope", "value": None}],
    [{"op": "test", "path": "/spec/values/replicas", "value": 9}],
    [{"op": "move", "from": "/spec/values/env/0", "path": "/spec/values/first"}],
    [{"op": "copy", "from": "/spec/values/image", "path": "/spec/values/image2"}],
    [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "patched:1"}],
    [{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "C", "value": "3"}}],
    [{"op": "replace", "path": "/metadata/name", "value": "renamed"}],
    [{"op": "replace", "path": "/spec/values/env"}],
    [{"op": "add", "path": "spec", "value": 1}],
    [{"op": "jump", "path": "/spec", "value": 1}],
]
_WEB = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
_APP = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "app"}}


def _pod(spec: dict[str, Any]) -> dict[str, Any]:
    return _WEB | {"spec": {"template": {"spec": spec}}}


MERGES: list[dict[str, Any]] = [
    _WEB | {"spec": {"replicas": 5}},
    _WEB | {"spec": {"replicas": None, "template": {"metadata": {"labels": {"b": "c"}}}}},
    _pod({"containers": [{"name": "side", "image": "patched:2"}]}),
    _pod({"containers": [{"name": "new", "image": "new:1"}, {"name": "main", "args": ["--c"]}]}),
    _pod({"containers": [{"name": "side", "$patch": "delete"}]}),
    _pod({"containers": [{"$patch": "replace"}, {"name": "only", "image": "only:1"}]}),
    _pod({"containers": [{"name": "main", "env": [{"name": "A", "value": "9"}, {"name": "Z", "value": None}]}]}),
    _pod({"containers": [{"name": "main", "env": [{"name": "B", "value": "x", "valueFrom": None}]}]}),
    _pod(
        {
            "containers": [
                {
                    "name": "main",
                    "ports": [{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 443, "name": "s"}],
                }
            ]
        }
    ),
    _pod({"containers": [{"name": "main", "volumeMounts": [{"mountPath": "/data", "readOnly": True}]}]}),
    _pod({"containers": [{"image": "noname"}]}),
    _pod({"tolerations": [{"key": "b"}]}),
    _pod({"volumes": [{"name": "data", "configMap": None, "emptyDir": {}}]}),
    _pod({"volumes": [{"name": "data", "$patch": "replace", "emptyDir": {}}]}),
    _pod(
        {
            "$setElementOrder/containers": [{"name": "side"}, {"name": "main"}],
            "containers": [{"name": "main", "image": "o:1"}],
        }
    ),
    _pod({"securityContext": {"runAsUser": 1, "x": None}, "dnsConfig": {}}),
    _WEB | {"metadata": {"name": "web", "labels": {"x": "y"}, "annotations": {"z": None}}},
    _WEB | {"metadata": {"name": "web", "finalizers": ["f"], "$deleteFromPrimitiveList/finalizers": ["g"]}},
    _WEB | {"$patch": "delete"},
    _WEB | {"metadata": {"name": "web"}, "spec": {"$patch": "replace", "replicas": 4}},
    _WEB | {"spec": "text"},
    _APP | {"spec": {"values": {"env": [{"name": "C", "value": "3"}]}}},
    _APP | {"spec": {"values": {"image": {"tag": "v9"}, "enabled": None}}},
    _APP | {"spec": {"values": {"image": {"$patch": "replace", "tag": "v9"}}}},
    _APP | {"spec": {"values": {"image": "text"}}},
    _APP | {"spec": {"values": {"image": None, "new": {"a": {"b": None, "c": [None, 1]}}}}},
    _APP | {"spec": {"values": {"new": {}, "empty": []}}},
    _APP | {"spec": {"values": {"env": [{"$patch": "replace"}, {"name": "Q"}]}}},
    _APP | {"spec": {"chart": {"$patch": "delete"}}},
    _APP | {"apiVersion": "helm.toolkit.fluxcd.io/v2beta1", "spec": {"x": 1}},
    _APP | {"metadata": {"name": "app", "namespace": "two"}, "spec": {"x": 1}},
    _APP | {"metadata": {"name": "app", "namespace": "default"}, "spec": {"x": 1}},
    _APP | {"$patch": "delete"},
]
_SOURCES: list[dict[str, Any]] = [
    {"kind": "ConfigMap", "name": "settings", "fieldPath": "data.v"},
    {"kind": "ConfigMap", "name": "settings", "fieldPath": "data.x"},
    {"kind": "ConfigMap", "name": "settings", "fieldPath": "data.nope"},
    {"kind": "ConfigMap", "name": "settings", "fieldPath": "data.v", "options": {"delimiter": ".", "index": 1}},
    {"kind": "Namespace", "fieldPath": "metadata.name"},
    {"kind": "Deployment", "name": "web", "fieldPath": "spec.replicas"},
    {"kind": "Deployment", "fieldPath": "spec.template.spec.containers.[name=main].image"},
    {"kind": "Deployment", "fieldPath": "spec.template.spec.containers.0.env"},
    {"kind": "HelmRelease", "fieldPath": "metadata.name"},
    {"kind": "HelmRelease", "name": "app"},
    {"kind": "HelmRelease", "name": "app", "fieldPath": "spec.values.enabled"},
    {"kind": "HelmRelease", "name": "app", "fieldPath": "spec.values.image"},
]
_INTO: list[dict[str, Any]] = [
    {"select": {"kind": "HelmRelease", "name": "app"}, "fieldPaths": ["spec.chart.spec.version"]},
    {"select": {"kind": "HelmRelease"}, "fieldPaths": ["spec.values.image.tag", "spec.values.image.repository"]},
    {"select": {"kind": "HelmRelease", "name": "app"}, "fieldPaths": ["spec.values.env.[name=A].value"]},
    {
        "select": {"kind": "HelmRelease", "name": "app"},
        "fieldPaths": ["spec.values.env.[name=N].value"],
        "options": {"create": True},
    },
    {"select": {"kind": "HelmRelease", "name": "app"}, "fieldPaths": ["spec.values.env.*.value"]},
    {"select": {"kind": "HelmRelease", "name": "app"}, "fieldPaths": ["spec.values.hosts.1"]},
    {"select": {"kind": "HelmRelease", "name": "app"}, "fieldPaths": ["spec.values.hosts.7"]},
    {"select": {"kind": "HelmRelease", "name": "app"}, "fieldPaths": ["spec.values.replicas"]},
    {"select": {"kind": "HelmRelease", "name": "app"}, "fieldPaths": ["spec.nope"]},
    {
        "select": {"kind": "HelmRelease", "name": "app.*"},
        "fieldPaths": ["spec.new.deep.field"],
        "options": {"create": True},
    },
    {
        "select": {"kind": "HelmRelease", "name": "app"},
        "fieldPaths": ["metadata.annotations.example\\.org/v"],
        "options": {"create": True},
    },
    {
        "select": {"kind": "StatefulSet"},
        "fieldPaths": ["spec.template.spec.containers.0.image"],
        "options": {"delimiter": ":", "index": 1},
    },
    {
        "select": {"kind": "StatefulSet"},
        "fieldPaths": ["spec.template.spec.containers.[name=db].image"],
        "options": {"delimiter": "/", "index": -1},
    },
    {
        "select": {"kind": "StatefulSet"},
        "fieldPaths": ["spec.template.spec.containers.[name=db].image"],
        "options": {"delimiter": "/", "index": 9},
    },
    {
        "select": {"kind": "Kustomization", "group": "kustomize.toolkit.fluxcd.io"},
        "fieldPaths": ["spec.targetNamespace"],
        "options": {"create": True},
    },
    {
        "select": {"kind": ".*"},
        "reject": [{"kind": "ConfigMap"}, {"kind": "Namespace"}],
        "fieldPaths": ["metadata.labels.made"],
        "options": {"create": True},
    },
    {"select": {"kind": "Nothing"}, "fieldPaths": ["a.b"]},
    {"select": {"namespace": "two"}, "fieldPaths": ["spec.interval"]},
    {"select": {"kind": "ConfigMap", "name": "settings"}, "fieldPaths": ["data.copy"], "options": {"create": True}},
    {"select": {"labelSelector": "app=web"}, "fieldPaths": ["metadata.labels.app"]},
    {"select": {"kind": "Deployment"}},
]
_GENERATED: list[dict[str, Any]] = [
    {"name": "settings", "literals": ["x=1", "y=a=b"]},
    {"name": "settings", "literals": ["z='quoted'"], "behavior": "merge"},
    {"name": "settings", "literals": ["only=this"], "behavior": "replace"},
    {"name": "files", "files": ["note.txt", "key=values.yaml"]},
    {"name": "env", "envs": ["vars.env"]},
    {
        "name": "plain",
        "literals": ["a=b"],
        "options": {"disableNameSuffixHash": True, "labels": {"l": "m"}, "immutable": True},
    },
    {"name": "other", "namespace": "two", "literals": ["a=<b>&"]},
    {"name": "missing", "files": ["nope.txt"]},
    {"name": "empty"},
    {"name": "twice", "literals": ["a=1", "a=2"]},
]
_LABELS: list[dict[str, Any]] = [
    {"pairs": {"team": "x"}},
    {"pairs": {"team": "x"}, "includeSelectors": True},
    {"pairs": {"team": "x", "app": "new"}, "includeTemplates": True},
    {"pairs": {"team": "x"}, "fields": [{"path": "spec/labels", "kind": "HelmRelease", "create": True}]},
]
FILES = {
    "note.txt": "a note\nof two lines\n",
    "values.yaml": "a: 1\n",
    "vars.env": "# comment\nA=1\n\nB = two \nC='q'\n",
}


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tree: Tree = {}
        self.objects: list[dict[str, Any]] = []

    def some(self, items: list[Any], most: int = 2) -> list[Any]:
        return self.random.sample(items, self.random.randint(1, min(most, len(items))))

    def put(self, path: str, content: Any) -> None:
        self.tree[path] = json.dumps(content, indent=1)

    def fitting(self, items: list[Any]) -> list[Any]:
        """Those that name a kind of the tree, and now and then all."""
        words = {content["kind"] for content in self.objects} | {
            content["metadata"]["name"] for content in self.objects
        }
        found = [item for item in items if any(f'"{word}"' in json.dumps(item) for word in words)]
        return items if self.random.random() < 0.1 or not found else found

    def patches(self) -> list[dict[str, Any]]:
        found = []
        for _ in range(self.random.randint(1, 2)):
            sort = self.random.random()
            if sort < 0.45:
                found.append({"patch": json.dumps(self.random.choice(self.fitting(MERGES)))})
            elif sort < 0.7:
                merge = self.random.choice(self.fitting(MERGES))
                found.append({"patch": json.dumps(merge), "target": self.random.choice(_TARGETS)})
            else:
                patch = {"patch": json.dumps(self.random.choice(_OPERATIONS)), "target": self.random.choice(_TARGETS)}
                found.append(patch)
        return found

    def fields(self, chance: float) -> dict[str, Any]:
        pick = self.random.random
        makers: dict[str, Callable[[], Any]] = {
            "namespace": lambda: self.random.choice(["one", "two"]),
            "namePrefix": lambda: "p-",
            "nameSuffix": lambda: "-s",
            "images": lambda: self.some(_IMAGES[:-2] if pick() < 0.95 else _IMAGES),
            "patches": self.patches,
            "labels": lambda: self.some(_LABELS, 1),
            "commonLabels": lambda: {"common": "label"},
            "commonAnnotations": lambda: {"common": "annotation"},
            "replicas": lambda: [{"name": self.random.choice(self.fitting(["web", "db", "nope"])), "count": 7}],
            "replacements": lambda: [
                {"source": self.random.choice(self.fitting(_SOURCES)), "targets": self.some(self.fitting(_INTO))}
            ],
            "configMapGenerator": lambda: self.some(_GENERATED[3:-3] if pick() < 0.5 else _GENERATED),
        }
        return {key: make() for key, make in makers.items() if pick() < chance}

    def folder(self, path: str, resources: list[str], chance: float, **more: Any) -> None:
        fields = {"resources": resources} | self.fields(chance) | more
        self.put(f"{path}/kustomization.yaml", fields)
        for name, text in FILES.items():
            if name in json.dumps(fields):
                self.tree[f"{path}/{name}"] = text


def make_tree(seed: int) -> Tree:
    """A tree whose build is of the folder `top`."""
    maker = _Maker(seed)
    pick = maker.random.random
    names = maker.some(list(OBJECTS), 7)
    maker.objects = [OBJECTS[name] for name in names]
    for name in names:
        maker.put(f"base/{name}.yaml", OBJECTS[name])
    chance = 0.12 if pick() < 0.6 else 0.25
    maker.folder("base", [f"{name}.yaml" for name in names], chance / 2)
    more = {}
    if pick() < 0.3:
        component = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
        extra = maker.random.choice(["space", "issuer", "flux"])
        maker.put(f"part/{extra}.yaml", OBJECTS[extra])
        maker.folder("part", [] if extra in names or pick() < 0.5 else [f"{extra}.yaml"], chance, **component)
        more["components"] = ["../part"]
    middle = pick() < 0.25
    if middle:
        maker.folder("middle", ["../base"], chance)
    maker.folder("top", ["../middle" if middle else "../base"], chance, **more)
    return maker.tree
