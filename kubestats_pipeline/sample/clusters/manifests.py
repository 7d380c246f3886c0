"""Renders the manifests that the sample's clusters have in common, as people write them: plain text, two spaces deep.

The functions return the text of one or more YAML documents, or the changes that add an application to a Flux tree.
Manifests of a single cluster are in its own modules.
"""

import base64
import hashlib
from collections.abc import Mapping
from textwrap import dedent, indent

from kubestats_pipeline.sample.clusters.bots import pinned
from kubestats_pipeline.sample.clusters.story import Append, TreeChange, write


def document(text: str) -> str:
    """Begin a YAML document with its marker. The text may be indented like the code around it."""
    return "---\n" + dedent(text).removeprefix("\n")


def block(text: str, depth: int) -> str:
    """Indent a piece of YAML so that it fits below a key."""
    return indent(dedent(text).removeprefix("\n"), " " * depth)


def encrypted(label: str) -> str:
    """A value in the form of SOPS. It is not encrypted: its characters are a hash of the label."""
    bits = [base64.b64encode(hashlib.sha256(f"{label}{part}".encode()).digest()).decode() for part in range(3)]
    return f"ENC[AES256_GCM,data:{bits[0][:20]}==,iv:{bits[1]},tag:{bits[2][:22]}==,type:str]"


def namespace(name: str) -> str:
    """Render a Namespace."""
    return document(f"""
        apiVersion: v1
        kind: Namespace
        metadata:
          name: {name}
        """)


def kustomization(*resources: str, namespace: str = "", components: tuple[str, ...] = ()) -> str:
    """Render a kustomization.yaml. Its resources come last, so that more can be appended."""
    text = document("""
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        """)
    text += f"namespace: {namespace}\n" if namespace else ""
    text += "components:\n" + "".join(f"  - {path}\n" for path in components) if components else ""
    return text + "resources:\n" + "".join(f"  - {path}\n" for path in resources)


def flux_kustomization(
    name: str,
    path: str,
    target: str = "",
    *,
    depends_on: tuple[str, ...] = (),
    substitute: Mapping[str, str] | None = None,
) -> str:
    """Render a Flux Kustomization that applies a path of this repository."""
    text = document(f"""
        apiVersion: kustomize.toolkit.fluxcd.io/v1
        kind: Kustomization
        metadata:
          name: {name}
          namespace: flux-system
        spec:
          interval: 1h
          path: {path}
          prune: true
          sourceRef:
            kind: GitRepository
            name: flux-system
            namespace: flux-system
        """)
    text += f"  targetNamespace: {target}\n" if target else ""
    text += "  dependsOn:\n" + "".join(f"    - name: {other}\n" for other in depends_on) if depends_on else ""
    if substitute:
        pairs = "".join(f"      {key}: {value}\n" for key, value in substitute.items())
        text += f"  postBuild:\n    substitute:\n{pairs}"
    return text


def flux_source(full_name: str) -> str:
    """Render the GitRepository for the repository that holds it, as Flux reads it."""
    return document(f"""
        apiVersion: source.toolkit.fluxcd.io/v1
        kind: GitRepository
        metadata:
          name: flux-system
          namespace: flux-system
        spec:
          interval: 5m
          ref:
            branch: main
          url: https://git.example.com/{full_name}.git
        """)


def helm_repository(name: str, url: str) -> str:
    """Render a HelmRepository in flux-system. An `oci://` URL makes it one of type oci."""
    kind = "  type: oci\n" if url.startswith("oci://") else ""
    return (
        document(f"""
            apiVersion: source.toolkit.fluxcd.io/v1
            kind: HelmRepository
            metadata:
              name: {name}
              namespace: flux-system
            spec:
              interval: 12h
            """)
        + f"{kind}  url: {url}\n"
    )


def chart_release(name: str, chart: str, version: str, source: str, values: str = "", api: str = "v2") -> str:
    """Render a HelmRelease whose chart comes from a HelmRepository in flux-system."""
    text = document(f"""
        apiVersion: helm.toolkit.fluxcd.io/{api}
        kind: HelmRelease
        metadata:
          name: {name}
        spec:
          interval: 1h
          chart:
            spec:
              chart: {chart}
              version: {version}
              sourceRef:
                kind: HelmRepository
                name: {source}
                namespace: flux-system
        """)
    return text + _values(values)


def oci_repository(name: str, url: str, tag: str) -> str:
    """Render an OCIRepository that holds a Helm chart."""
    return document(f"""
        apiVersion: source.toolkit.fluxcd.io/v1
        kind: OCIRepository
        metadata:
          name: {name}
        spec:
          interval: 1h
          layerSelector:
            mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip
            operation: copy
          ref:
            tag: {tag}
          url: {url}
        """)


def reference_release(name: str, values: str = "", source: str = "") -> str:
    """Render a HelmRelease whose chart is an OCIRepository, named like the release unless `source` says otherwise."""
    text = document(f"""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata:
          name: {name}
        spec:
          interval: 1h
          chartRef:
            kind: OCIRepository
            name: {source or name}
        """)
    return text + _values(values)


def app_values(name: str, image: str, tag: str, port: int, *, memory: str = "256Mi", digest: bool = True) -> str:
    """Render values of the app-template chart for one container behind one port."""
    return dedent(f"""\
        controllers:
          {name}:
            containers:
              app:
                image:
                  repository: {image}
                  tag: {pinned(image, tag) if digest else tag}
                env:
                  TZ: Etc/UTC
                resources:
                  requests:
                    cpu: 10m
                  limits:
                    memory: {memory}
        service:
          app:
            controller: {name}
            ports:
              http:
                port: {port}
        """)


def gateway_route(host: str) -> str:
    """Render app-template values that attach a release to the internal gateway."""
    return dedent(f"""\
        route:
          app:
            hostnames:
              - {host}
            parentRefs:
              - name: internal
                namespace: network
        """)


def flux_namespace(root: str, name: str, *components: str) -> tuple[TreeChange, ...]:
    """Add a namespace without applications to a Flux tree. Its components are put into the namespace too."""
    applied_in = name if components else ""
    return (
        write(f"{root}/{name}/namespace.yaml", namespace(name)),
        write(
            f"{root}/{name}/kustomization.yaml",
            kustomization("./namespace.yaml", namespace=applied_in, components=components),
        ),
    )


def flux_app(folder: str, release: str, **others: str) -> tuple[TreeChange, ...]:
    """Bring an application into a Flux tree at `root/namespace/name`.

    Args:
        folder: the application's folder, in a namespace made by `flux_namespace`.
        release: the text of its HelmRelease.
        others: further files beside the release by name without `.yaml`, such as `ocirepository`.
    """
    parent, name = folder.rsplit("/", 1)
    files = {"helmrelease": release, **others}
    return (
        write(f"{folder}/ks.yaml", flux_kustomization(name, f"./{folder}/app", parent.rsplit("/", 1)[-1])),
        write(f"{folder}/app/kustomization.yaml", kustomization(*(f"./{file}.yaml" for file in sorted(files)))),
        *(write(f"{folder}/app/{file}.yaml", text) for file, text in files.items()),
        Append(f"{parent}/kustomization.yaml", f"  - ./{name}/ks.yaml\n"),
    )


def _values(values: str) -> str:
    return f"  values:\n{block(values, 4)}" if values else ""
