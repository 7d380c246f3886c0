"""kustomize's field specs: the fields of each kind in which a transformer finds its work, and the walk to them.

The tables are those that kustomize 5.7 has built in, written down by pod and by kind. A `configurations` file adds to
them.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from kubestats_pipeline.scan.build.transformers.by_identity import ById
from kubestats_pipeline.scan.build.transformers.resource import RefusedError, ResourceId

MAX_STEPS_OF_PATH = 100
_APPS, _BATCH, _RBAC = "apps", "batch", "rbac.authorization.k8s.io"
_ADMISSION, _NETWORK = "admissionregistration.k8s.io", "networking.k8s.io"


class FieldSpec(NamedTuple):
    """A field of some kinds. An empty group, version or kind stands for every one.

    Attributes:
        path: steps joined by `/`. A step that ends in `[]` is a list, and any list on the way is entered.
        create: true if the field is made where it is absent.
    """

    path: str
    kind: str = ""
    group: str = ""
    version: str = ""
    create: bool = False

    def selects(self, resource: ResourceId) -> bool:
        """True if the field is one of the resource's kind."""
        return (
            (not self.kind or self.kind == resource.kind)
            and (not self.group or self.group == resource.group)
            and (not self.version or self.version == resource.version)
        )


class NameReference(NamedTuple):
    """The fields in which a kind is named."""

    kind: str
    fields: tuple[FieldSpec, ...]
    group: str = ""
    version: str = ""

    def targets(self, resource: ResourceId) -> bool:
        """True if a resource is of the kind that is named."""
        return (
            (not self.kind or self.kind == resource.kind)
            and (not self.group or self.group == resource.group)
            and (not self.version or self.version == resource.version)
        )


class FieldSpecs(NamedTuple):
    """All field specs of a build."""

    namespace: tuple[FieldSpec, ...]
    name_prefix: tuple[FieldSpec, ...]
    name_suffix: tuple[FieldSpec, ...]
    common_labels: tuple[FieldSpec, ...]
    template_labels: tuple[FieldSpec, ...]
    common_annotations: tuple[FieldSpec, ...]
    images: tuple[FieldSpec, ...]
    replicas: tuple[FieldSpec, ...]
    name_reference: tuple[NameReference, ...]
    var_reference: tuple[FieldSpec, ...] = ()


@lru_cache(maxsize=2048)
def split_path(path: str) -> tuple[str, ...]:
    """The steps of a path. `\\/` is a slash inside a step."""
    steps = path.replace("\\/", "\0").split("/")
    return tuple(step.replace("\0", "/") for step in steps if step)


def change_field(node: Any, path: tuple[str, ...], change: Callable[[Any], Any], create: Any = None) -> Any:
    """A copy of a value with a change made to the field at a path, or the value itself if nothing changes.

    Args:
        node: a value of a document.
        path: steps to the field.
        change: takes the field's value and returns the new one.
        create: the value of a field that is made, or None if absent fields are left alone.

    Raises:
        RefusedError: a scalar is on the way.
    """
    if not path:
        return change(node)
    if node is None:
        return node
    if isinstance(node, list):
        items = [change_field(item, path, change, create) for item in node]
        return items if any(new is not old for new, old in zip(items, node, strict=True)) else node
    if not isinstance(node, dict):
        raise RefusedError(f"a scalar where a mapping or list is expected, before {path[0]}")
    name, rest = path[0].removesuffix("[]"), path[1:]
    value = node.get(name)
    if value is None:
        if name not in node and (create is None or path[0].endswith("[]")):
            return node
        if create is not None and not path[0].endswith("[]"):
            value = {} if rest else create
    new = change_field(value, rest, change, create)
    return node if name in node and new is node[name] else {**node, name: new}


def change_fields(
    content: dict[str, Any],
    resource: ResourceId,
    specs: tuple[FieldSpec, ...],
    change: Callable[[Any], Any],
    create: Any,
) -> dict[str, Any]:
    """A copy of an object with a change made to each field that a spec selects."""
    for spec in specs_of_kind(ById(specs), resource.group, resource.version, resource.kind):
        content = change_field(content, split_path(spec.path), change, create if spec.create else None)
    return content


@lru_cache(maxsize=4096)
def specs_of_kind(specs: ById[tuple[FieldSpec, ...]], group: str, version: str, kind: str) -> tuple[FieldSpec, ...]:
    """The specs that select the fields of a kind."""
    return tuple(spec for spec in specs.value if spec.selects(ResourceId(group, version, kind, "", "")))


_POD = "spec"
_TEMPLATE = "spec/template/spec"
_CRON_JOB = "spec/jobTemplate/spec/template/spec"
_PODS = {
    "Pod": _POD,
    "PodTemplate": "template/spec",
    **dict.fromkeys(("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job"), _TEMPLATE),
    "CronJob": _CRON_JOB,
}
"""The place of the pod in kinds whose references to ConfigMaps and Secrets are followed."""

_MORE_PODS = {
    "Pod": _POD,
    **dict.fromkeys(("StatefulSet", "Deployment", "ReplicationController", "Job", "DaemonSet"), _TEMPLATE),
    "CronJob": _CRON_JOB,
}
"""The place of the pod in kinds whose references to accounts, claims and priorities are followed."""


def _in_pods(pods: dict[str, str], paths: Iterable[str]) -> tuple[FieldSpec, ...]:
    return tuple(
        FieldSpec(f"{pod}/{path}", kind, version="v1" if kind == "Pod" and pods is _PODS else "")
        for kind, pod in pods.items()
        for path in paths
    )


def _of_containers(field: str) -> tuple[str, ...]:
    return tuple(f"{containers}/{field}" for containers in ("containers", "initContainers"))


def _at(path: str, *kinds: str, group: str = "", create: bool = False) -> tuple[FieldSpec, ...]:
    return tuple(FieldSpec(path, kind, group, create=create) for kind in kinds)


_CONFIG_MAP = NameReference(
    "ConfigMap",
    (
        *_in_pods(
            _PODS,
            (
                "volumes/configMap/name",
                *_of_containers("env/valueFrom/configMapKeyRef/name"),
                *_of_containers("envFrom/configMapRef/name"),
                "volumes/projected/sources/configMap/name",
            ),
        ),
        FieldSpec("spec/configSource/configMap", "Node"),
        *_at("rules/resourceNames", "Role", "ClusterRole"),
        FieldSpec("metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap", "Ingress"),
    ),
    version="v1",
)
_SECRET = NameReference(
    "Secret",
    (
        *_in_pods(
            _PODS,
            (
                "volumes/secret/secretName",
                *_of_containers("env/valueFrom/secretKeyRef/name"),
                *_of_containers("envFrom/secretRef/name"),
                "imagePullSecrets/name",
                "volumes/projected/sources/secret/name",
            ),
        ),
        FieldSpec("spec/tls/secretName", "Ingress"),
        FieldSpec("metadata/annotations/ingress.kubernetes.io\\/auth-secret", "Ingress"),
        FieldSpec("metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret", "Ingress"),
        FieldSpec("metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret", "Ingress"),
        FieldSpec("imagePullSecrets/name", "ServiceAccount"),
        *(
            FieldSpec(f"parameters/{key}", "StorageClass")
            for key in ("secretName", "adminSecretName", "userSecretName", "secretRef")
        ),
        *_at("rules/resourceNames", "Role", "ClusterRole"),
        FieldSpec(
            "spec/template/spec/containers/env/valueFrom/secretKeyRef/name", "Service", "serving.knative.dev", "v1"
        ),
        FieldSpec("spec/azureFile/secretName", "PersistentVolume"),
    ),
    version="v1",
)
_SERVICE = NameReference(
    "Service",
    (
        FieldSpec("spec/serviceName", "StatefulSet", _APPS),
        FieldSpec("spec/rules/http/paths/backend/serviceName", "Ingress"),
        FieldSpec("spec/backend/serviceName", "Ingress"),
        FieldSpec("spec/rules/http/paths/backend/service/name", "Ingress"),
        FieldSpec("spec/defaultBackend/service/name", "Ingress"),
        FieldSpec("spec/service/name", "APIService", "apiregistration.k8s.io"),
        FieldSpec("webhooks/clientConfig/service", "ValidatingWebhookConfiguration", _ADMISSION),
        FieldSpec("webhooks/clientConfig/service", "MutatingWebhookConfiguration", _ADMISSION),
    ),
    version="v1",
)
_SCALED = ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")
_NAME_REFERENCE = (
    *(NameReference(kind, (FieldSpec("spec/scaleTargetRef/name", "HorizontalPodAutoscaler"),)) for kind in _SCALED),
    _CONFIG_MAP,
    _SECRET,
    _SERVICE,
    NameReference("Role", (FieldSpec("roleRef/name", "RoleBinding", _RBAC),), _RBAC),
    NameReference("ClusterRole", _at("roleRef/name", "RoleBinding", "ClusterRoleBinding", group=_RBAC), _RBAC),
    NameReference(
        "ServiceAccount",
        (
            *_at("subjects", "RoleBinding", "ClusterRoleBinding", group=_RBAC),
            *_in_pods(_MORE_PODS, ("serviceAccountName",)),
        ),
        version="v1",
    ),
    NameReference(
        "PersistentVolumeClaim", _in_pods(_MORE_PODS, ("volumes/persistentVolumeClaim/claimName",)), version="v1"
    ),
    NameReference(
        "PersistentVolume",
        (FieldSpec("spec/volumeName", "PersistentVolumeClaim"), FieldSpec("rules/resourceNames", "ClusterRole")),
        version="v1",
    ),
    NameReference(
        "StorageClass",
        (
            *_at("spec/storageClassName", "PersistentVolume", "PersistentVolumeClaim"),
            FieldSpec("spec/volumeClaimTemplates/spec/storageClassName", "StatefulSet"),
        ),
        "storage.k8s.io",
        "v1",
    ),
    NameReference("PriorityClass", _in_pods(_MORE_PODS, ("priorityClassName",)), "scheduling.k8s.io", "v1"),
    NameReference(
        "ValidatingAdmissionPolicy",
        (FieldSpec("spec/policyName", "ValidatingAdmissionPolicyBinding", _ADMISSION),),
        _ADMISSION,
    ),
)


def _of_templates(what: str) -> tuple[FieldSpec, ...]:
    """The labels or annotations of the pods that a kind makes."""
    template = f"spec/template/metadata/{what}"
    is_label = what == "labels"
    return (
        FieldSpec(f"metadata/{what}", create=True),
        FieldSpec(template, "ReplicationController", version="v1", create=True),
        *_at(template, "Deployment", "ReplicaSet", "DaemonSet", create=True),
        FieldSpec(template, "StatefulSet", _APPS if is_label else "", create=True),
        *([FieldSpec(f"spec/volumeClaimTemplates[]/metadata/{what}", "StatefulSet", _APPS, create=True)] * is_label),
        FieldSpec(template, "Job", _BATCH, create=True),
        FieldSpec(f"spec/jobTemplate/metadata/{what}", "CronJob", _BATCH, create=True),
        FieldSpec(f"spec/jobTemplate/spec/template/metadata/{what}", "CronJob", _BATCH, create=True),
    )


_AFFINITY = tuple(
    f"spec/template/spec/{path}"
    for path in (
        *(
            f"affinity/{affinity}/{how}"
            for affinity in ("podAffinity", "podAntiAffinity")
            for how in (
                "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
                "requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
            )
        ),
        "topologySpreadConstraints/labelSelector/matchLabels",
    )
)
_SELECTORS = (
    FieldSpec("spec/selector", "Service", version="v1", create=True),
    FieldSpec("spec/selector", "ReplicationController", version="v1", create=True),
    *_at("spec/selector/matchLabels", "Deployment", "ReplicaSet", "DaemonSet", create=True),
    FieldSpec("spec/selector/matchLabels", "StatefulSet", _APPS, create=True),
    *(FieldSpec(path, kind, _APPS) for kind in ("Deployment", "StatefulSet") for path in _AFFINITY),
    FieldSpec("spec/selector/matchLabels", "Job", _BATCH),
    FieldSpec("spec/jobTemplate/spec/selector/matchLabels", "CronJob", _BATCH),
    FieldSpec("spec/selector/matchLabels", "PodDisruptionBudget", "policy"),
    *(
        FieldSpec(path, "NetworkPolicy", _NETWORK)
        for path in (
            "spec/podSelector/matchLabels",
            "spec/ingress/from/podSelector/matchLabels",
            "spec/egress/to/podSelector/matchLabels",
        )
    ),
)

DEFAULT = FieldSpecs(
    namespace=(
        FieldSpec("metadata/name", "Namespace", create=True),
        FieldSpec("spec/service/namespace", "APIService", "apiregistration.k8s.io", create=True),
        FieldSpec(
            "spec/conversion/webhook/clientConfig/service/namespace", "CustomResourceDefinition", "apiextensions.k8s.io"
        ),
    ),
    name_prefix=(FieldSpec("metadata/name"),),
    name_suffix=(FieldSpec("metadata/name"),),
    common_labels=(*_SELECTORS, *_of_templates("labels")),
    template_labels=_of_templates("labels"),
    common_annotations=_of_templates("annotations"),
    images=tuple(
        FieldSpec(f"{pod}/{path}", create=True)
        for pod in (_POD, _TEMPLATE)
        for path in ("containers[]/image", "initContainers[]/image", "volumes[]/image/reference")
    ),
    replicas=_at("spec/replicas", *_SCALED, create=True),
    name_reference=_NAME_REFERENCE,
)
