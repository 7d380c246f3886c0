"""Cluster-scoped kinds: the kinds of Kubernetes itself whose objects have no namespace.

kustomize sets no namespace on these. The scope of custom resources is in the cluster, so it is not known here.
"""

_CLUSTER_SCOPED = {
    "": {"Namespace", "Node", "PersistentVolume"},
    "admissionregistration.k8s.io": {
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    },
    "apiextensions.k8s.io": {"CustomResourceDefinition"},
    "apiregistration.k8s.io": {"APIService"},
    "certificates.k8s.io": {"CertificateSigningRequest"},
    "networking.k8s.io": {"IngressClass"},
    "node.k8s.io": {"RuntimeClass"},
    "policy": {"PodSecurityPolicy"},
    "rbac.authorization.k8s.io": {"ClusterRole", "ClusterRoleBinding"},
    "scheduling.k8s.io": {"PriorityClass"},
    "storage.k8s.io": {"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"},
}


def is_cluster_scoped(group: str, kind: str) -> bool:
    """True if objects of a kind of Kubernetes' own belong to the cluster and not to a namespace."""
    return kind in _CLUSTER_SCOPED.get(group, ())
