"""Lists of Kubernetes' own kinds whose items are merged by a key. All other lists are replaced whole.

The keys are those of the API as kustomize 5.7 knows it (Kubernetes 1.21). A list is found by its path in a pod or in
an object. A custom kind has none.
"""

from typing import NamedTuple

PRIMITIVE = ("",)
"""The keys of a list of texts that is merged, such as finalizers."""

_PORTS = ("containerPort", "protocol")
_CONTAINER = {
    "env": ("name",),
    "ports": _PORTS,
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
}
_POD = {
    **{
        place: keys
        for containers in ("containers", "initContainers", "ephemeralContainers")
        for place, keys in (
            (containers, ("name",)),
            *((f"{containers}/{field}", keys) for field, keys in _CONTAINER.items()),
        )
    },
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
_METADATA = {"finalizers": PRIMITIVE, "ownerReferences": ("uid",)}


class _Kind(NamedTuple):
    """The merged lists of a kind.

    Attributes:
        pod: the path of its pod, if it has one.
        lists: its other lists.
    """

    pod: str | None = None
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()


_TEMPLATE = _Kind("spec/template")
_WEBHOOKS = _Kind(lists=(("webhooks", ("name",)),))
_KINDS: dict[tuple[str, str], _Kind] = {
    ("", "Pod"): _Kind(""),
    ("", "PodTemplate"): _Kind("template"),
    ("", "ReplicationController"): _TEMPLATE,
    ("", "Service"): _Kind(lists=(("spec/ports", ("port", "protocol")),)),
    ("", "ServiceAccount"): _Kind(lists=(("secrets", ("name",)),)),
    **{("apps", kind): _TEMPLATE for kind in ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet")},
    **{("extensions", kind): _TEMPLATE for kind in ("Deployment", "ReplicaSet", "DaemonSet")},
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): _Kind("spec/jobTemplate/spec/template"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _WEBHOOKS,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _WEBHOOKS,
    ("storage.k8s.io", "CSINode"): _Kind(lists=(("spec/drivers", ("name",)),)),
    **{
        (group, kind): _Kind()
        for group, kinds in {
            "": (
                "ConfigMap",
                "Secret",
                "Namespace",
                "PersistentVolume",
                "PersistentVolumeClaim",
                "LimitRange",
                "Node",
                "ResourceQuota",
                "Endpoints",
            ),
            "networking.k8s.io": ("Ingress", "NetworkPolicy", "IngressClass"),
            "rbac.authorization.k8s.io": ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"),
            "policy": ("PodDisruptionBudget",),
            "autoscaling": ("HorizontalPodAutoscaler",),
            "storage.k8s.io": ("StorageClass", "CSIDriver"),
            "scheduling.k8s.io": ("PriorityClass",),
            "apiextensions.k8s.io": ("CustomResourceDefinition",),
            "apiregistration.k8s.io": ("APIService",),
        }.items()
        for kind in kinds
    },
}


def list_keys(group: str, kind: str) -> dict[str, tuple[str, ...]]:
    """The merged lists of a kind by their path, whose steps are joined by `/`. Items of lists are not steps."""
    known = _KINDS.get((group, kind))
    if known is None:
        return {}
    found = {f"metadata/{place}": keys for place, keys in _METADATA.items()} | dict(known.lists)
    if known.pod is not None:
        pod = f"{known.pod}/" if known.pod else ""
        found |= {f"{pod}spec/{place}": keys for place, keys in _POD.items()}
        if known.pod:
            found |= {f"{pod}metadata/{place}": keys for place, keys in _METADATA.items()}
    return found
