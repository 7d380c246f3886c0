"""Flux's kustomize-controller in short: it writes its changes into the kustomization of a copied folder, has kubectl
build it, and puts the variables into the text that comes out. It shares no code with the builds of the project.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline.scan.kinds.flux import public_value

LARGE = Bounds(max_bytes=100_000_000, max_nodes=10_000_000)
NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_REMOTE = re.compile(r"://|^[\w.-]+\.[a-z]+/|\?ref=|^git@")
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?:=|:=|:-)(?P<default>.*))?\}", re.DOTALL)
_DISABLED = re.compile(r"kustomize\.toolkit\.fluxcd\.io/substitute: [\"']?disabled")

Object = dict[str, Any]


class Controller:
    """The cluster of one repository.

    Attributes:
        objects: those that were applied, each with true if a variable was put into it.
        kustomizations: the number of builds.
        failures: the folders that kubectl refuses.
    """

    def __init__(self, tree: Path, place: Path, base: str, kubectl: str) -> None:
        self._root, self._base, self._kubectl = place, base, kubectl
        shutil.copytree(tree, place, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        for path in place.rglob("*"):
            if path.name in NAMES and path.is_file():
                self._cut_remote(path)
        self._texts: dict[tuple[str, str], list[str]] = {}
        self._maps: dict[tuple[str | None, str], Mapping[str, Any]] = {}
        self.objects: list[tuple[Object, bool]] = []
        self.kustomizations = 0
        self.failures: list[str] = []

    def run(self, root: str) -> None:
        """Apply a folder and all that it leads to, again until no ConfigMap is found late."""
        for _ in range(3):
            known = dict(self._maps)
            self._apply_all(root)
            if known == self._maps:
                return

    def _apply_all(self, root: str) -> None:
        self.objects, self.kustomizations, self.failures = [], 0, []
        first: Object = {
            "metadata": {"namespace": "flux-system"},
            "spec": {"path": root.removeprefix(f"{self._base}/")},
        }
        if self._base:
            first["spec"]["sourceRef"] = {"kind": "OCIRepository"}
        seen = set[tuple[str | None, str]]()
        itself = next((each for each, _ in self._made(first) if _is_flux(each) and self._path(each) == root), first)
        waiting = [itself]
        while waiting:
            current = waiting.pop(0)
            name = (current["metadata"].get("namespace"), current["metadata"].get("name", ""))
            # The folders of other repositories are not here, and their roots have no path.
            if name in seen or not self._path(current) or not (self._root / self._path(current)).is_dir():
                continue
            seen.add(name)
            self.kustomizations += 1
            for made, is_substituted in self._made(current):
                self.objects.append((made, is_substituted))
                if made["kind"] == "ConfigMap":
                    self._maps[made["metadata"].get("namespace"), made["metadata"]["name"]] = made.get("data") or {}
                if _is_flux(made):
                    waiting.append(made)

    def _path(self, kustomization: Object) -> str:
        path = str(kustomization["spec"].get("path") or "").removeprefix("./").strip("/")
        kind = (kustomization["spec"].get("sourceRef") or {}).get("kind")
        is_artifact = kind in ("OCIRepository", "ExternalArtifact")
        return f"{self._base}/{path}".strip("/") if is_artifact and self._base else path

    def _made(self, kustomization: Object) -> Iterator[tuple[Object, bool]]:
        spec = kustomization["spec"]
        variables, is_known = self._variables(kustomization)
        for text in self._build(self._path(kustomization), spec):
            filled = text
            if variables is not None and not _DISABLED.search(text):
                filled = _substituted(text, variables, is_known=is_known)
            for document in decode_stream(filled.encode(), LARGE):
                content = document.content
                if not isinstance(content, dict):
                    continue
                for key, more in (spec.get("commonMetadata") or {}).items():
                    content["metadata"][key] = {**(content["metadata"].get(key) or {}), **more}
                yield content, filled != text

    def _variables(self, kustomization: Object) -> tuple[dict[str, Any] | None, bool]:
        """The variables, and true if all of them are known. None without `postBuild`."""
        build = kustomization["spec"].get("postBuild")
        if not build:
            return None, True
        values, is_known = dict[str, Any](), True
        for source in build.get("substituteFrom") or ():
            found = self._maps.get((kustomization["metadata"].get("namespace"), source["name"]))
            is_known = is_known and found is not None and source["kind"] == "ConfigMap"
            values |= (found or {}) if source["kind"] == "ConfigMap" else {}
        values |= build.get("substitute") or {}
        if not values and is_known:  # the controller then puts nothing in, not even defaults
            return None, True
        return {name: public_value(name, str(value)) for name, value in values.items()}, is_known

    # kustomization.yaml

    def _build(self, path: str, spec: Object) -> list[str]:
        folder = self._root / path
        file = next((folder / name for name in NAMES if (folder / name).is_file()), None)
        before = file.read_text() if file is not None else None
        fields = yaml.safe_load(before) if before else {"resources": list(self._below(folder, folder))}
        text = yaml.safe_dump(_changed(fields, spec, folder), sort_keys=False)
        if (path, text) not in self._texts:
            target = file or folder / NAMES[0]
            target.write_text(text)
            try:
                self._texts[path, text] = self._kustomize(path)
            finally:
                if before is None:
                    target.unlink()
                else:
                    target.write_text(before)
        return self._texts[path, text]

    def _kustomize(self, path: str) -> list[str]:
        command = [self._kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone", str(self._root / path)]
        answer = subprocess.run(command, capture_output=True, timeout=300, check=False)
        if answer.returncode:
            self.failures.append(f"{path}: {answer.stderr.decode()[:200]}")
            return []
        return re.split(r"^---\n", answer.stdout.decode(), flags=re.MULTILINE)

    def _below(self, top: Path, folder: Path) -> Iterator[str]:
        """The resources of a folder without a kustomization: files of objects, and folders with a kustomization."""
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                if any((path / name).is_file() for name in NAMES):
                    yield str(path.relative_to(top))
                elif path.name not in (".git", ".github"):
                    yield from self._below(top, path)
            elif path.suffix in (".yaml", ".yml") and re.search(r"^kind:", path.read_text(), re.MULTILINE):
                yield str(path.relative_to(top))

    def _cut_remote(self, path: Path) -> None:
        """Take out what needs the network: remote bases and charts."""
        fields = yaml.safe_load(path.read_text())
        if not isinstance(fields, dict):
            return
        is_remote = {
            entry
            for key in ("resources", "components", "crds")
            for entry in fields.get(key) or ()
            if _REMOTE.search(entry) and not (path.parent / entry).exists()
        }
        if is_remote or "helmCharts" in fields:
            kept = {key: value for key, value in fields.items() if key != "helmCharts"}
            for key in ("resources", "components", "crds"):
                if key in kept:
                    kept[key] = [entry for entry in kept[key] or () if entry not in is_remote]
            path.write_text(yaml.safe_dump(kept, sort_keys=False))


def _is_flux(content: Object) -> bool:
    is_kustomization = content["kind"] == "Kustomization"
    return is_kustomization and str(content["apiVersion"]).startswith("kustomize.toolkit.fluxcd.io/")


def _changed(fields: Object, spec: Object, folder: Path) -> Object:
    """The fields of a kustomization with those of a Flux Kustomization, as the controller writes them."""
    made = dict(fields)
    for key, field in (("targetNamespace", "namespace"), ("namePrefix", "namePrefix"), ("nameSuffix", "nameSuffix")):
        if spec.get(key):
            made[field] = spec[key]
    components = spec.get("components") or []
    if spec.get("ignoreMissingComponents"):
        components = [each for each in components if (folder / each).is_dir()]
    for key, more in (("components", components), ("patches", spec.get("patches") or [])):
        if more:
            made[key] = [*(made.get(key) or ()), *more]
    for image in spec.get("images") or ():
        others = [each for each in made.get("images") or () if each["name"] != image["name"]]
        made["images"] = [*others, image]
    return made


def _substituted(text: str, variables: Mapping[str, Any], *, is_known: bool) -> str:
    """A text with its variables. A default may hold others. What is not known stays as it is written."""
    made, place = "", 0
    while (start := text.find("$", place)) >= 0:
        made += text[place:start]
        end = _end(text, start) if text.startswith("${", start) else start + (2 if text.startswith("$$", start) else 1)
        expression = text[start:end]
        found = _VARIABLE.fullmatch(expression)
        if found is not None:
            made += _value(found, variables, is_known=is_known)
        else:
            made += "$" if expression == "$$" else expression
        place = end
    return made + text[place:]


def _end(text: str, start: int) -> int:
    """The end of an expression in braces."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if text[place] == "}" and not depth:
            return place + 1
    return len(text)


def _value(found: re.Match[str], variables: Mapping[str, Any], *, is_known: bool) -> str:
    name, default = found["name"], found["default"]
    value = variables.get(name)
    if name in variables and value is None:  # it is set to what nobody may see
        return found[0]
    if value is not None and (value or default is None):
        return str(value).strip("\n")
    if default is not None:
        return _substituted(default, variables, is_known=is_known)
    return "" if is_known else found[0]
