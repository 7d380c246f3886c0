"""ApplicationSets of Argo CD: the Applications that their generators make.

`expand` is a function of the document and of the files of the repository. It knows the generators list, git, matrix and
merge, fields of both template languages without functions, and `templatePatch`. Everything else is not known, with the
reason. Rules are those of Argo CD's documentation of generators, templates and Go templates.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from kubestats_pipeline.scan.documents.budget import Budget, TooComplexError
from kubestats_pipeline.scan.documents.document import Bounds, Decoded, DecodeError
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline.scan.facts.field_templates import ACTION, FieldTemplate, Parameters, dotted, is_number
from kubestats_pipeline.scan.facts.shapes import mapping, mappings
from kubestats_pipeline.scan.kinds.git_generators import from_directories, from_files

MAX_APPLICATIONS = 1_000
"""Applications of one ApplicationSet. The largest ones that are known have some hundred."""

MAX_DEPTH = 3
"""Generators in a matrix or merge. Argo CD itself allows two levels."""


class RepositoryView(Protocol):
    """The view of a repository that git generators need."""

    def is_own(self, url: str) -> bool:
        """True if a URL is that of this repository."""

    def folders(self) -> list[str]:
        """All folders with files, from the root, in alphabetical order."""

    def files(self) -> list[str]:
        """All files, from the root, in alphabetical order."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None if it cannot be read."""


class Expansion(NamedTuple):
    """The Applications of an ApplicationSet.

    Attributes:
        applications: whole objects of kind Application.
        unknown: the reasons why there may be more of them, or other ones.
    """

    applications: tuple[dict[str, Any], ...]
    unknown: tuple[str, ...] = ()


class UnknownError(Exception):
    """A part of an ApplicationSet whose result is not known. The text is the reason."""


def expand(document: Decoded, resource: dict[str, Any], repository: RepositoryView | None = None) -> Expansion:
    """The Applications that an ApplicationSet makes.

    Args:
        document: the document of the resource, for versions as written.
        resource: the ApplicationSet.
        repository: the files at hand, or None to use the document alone.
    """
    spec = mapping(resource, "spec")
    is_go = spec.get("goTemplate") is True
    run = _Run(document, is_go, repository)
    applications: dict[str, dict[str, Any]] = {}
    unknown: dict[str, None] = {}
    for generator in mappings(spec.get("generators")):
        try:
            for parameters in run.generate(generator, {}, MAX_DEPTH):
                made = _application(run, resource, parameters)
                applications.setdefault(made["metadata"]["name"], made)
        except UnknownError as error:
            unknown[str(error)] = None
        except TooComplexError:
            unknown["it is too large to be followed"] = None
    return Expansion(tuple(applications.values()), tuple(unknown))


@dataclass
class _Run:
    """One expansion, with a bound on the sets of parameters that it makes."""

    document: Decoded
    is_go: bool
    repository: RepositoryView | None
    left: int = field(default=MAX_APPLICATIONS)
    budget: Budget = field(default_factory=Budget)

    def filled(self, value: dict[str, Any], parameters: Parameters) -> dict[str, Any]:
        """A copy of a value with its templates filled."""
        copy: dict[str, Any] = FieldTemplate(parameters, self.is_go, self.budget).copy(self.document, value)
        return copy

    def generate(self, generator: dict[str, Any], outer: Parameters, depth: int) -> Iterator[dict[str, Any]]:
        """The sets of parameters of one generator. `outer` are those of the generator before it in a matrix."""
        known = {"list": self._list, "git": self._git, "matrix": self._matrix, "merge": self._merge}
        names = [name for name in generator if name not in ("selector",)]
        if len(names) != 1 or names[0] not in known or not depth:
            raise UnknownError(f"its generator {' and '.join(sorted(names)) or 'has no name'} is not in the repository")
        if generator.get("selector"):
            raise UnknownError("its generator selects parameters")
        content = mapping(generator, names[0])
        if content.get("template"):
            raise UnknownError("its generator has a template of its own")
        for parameters in known[names[0]](content, outer, depth):
            self.left -= 1
            if self.left < 0:
                raise UnknownError(f"it makes more than {MAX_APPLICATIONS} Applications")
            yield parameters

    def _list(self, content: dict[str, Any], outer: Parameters, _: int) -> Iterator[dict[str, Any]]:
        if content.get("elementsYaml"):
            raise UnknownError("the elements of its list are a template")
        for element in mappings(content.get("elements")):
            rendered = self.filled(element, outer) if outer else element
            texts = {key: self.document.text(element, key) for key in element}
            written = {key: texts[key] if is_number(value) else value for key, value in rendered.items()}
            yield written if self.is_go else dict(dotted(written))

    def _git(self, content: dict[str, Any], outer: Parameters, _: int) -> Iterator[dict[str, Any]]:
        if outer:
            content = self.filled(content, outer)
        url = self.document.text(content, "repoURL") or ""
        if self.repository is None or not self.repository.is_own(url):
            raise UnknownError("its generator reads a git repository that is not at hand")
        prefix = self.document.text(content, "pathParamPrefix")
        if content.get("directories"):
            found = from_directories(mappings(content["directories"]), self.repository.folders(), prefix)
        else:
            paths, read = self.repository.files(), self.repository.read
            found = from_files(mappings(content.get("files")), paths, lambda path: _documents(path, read), prefix)
        values = mapping(content, "values")
        for parameters in found:
            made = parameters if self.is_go else dict(dotted(parameters))
            if values:
                own = self.filled(values, made)
                made |= {"values": own} if self.is_go else dict(dotted({"values": own}))
            yield made

    def _matrix(self, content: dict[str, Any], outer: Parameters, depth: int) -> Iterator[dict[str, Any]]:
        generators = mappings(content.get("generators"))
        if len(generators) != 2:
            raise UnknownError("its matrix has not two generators")
        for one in self.generate(generators[0], outer, depth - 1):
            for other in self.generate(generators[1], {**outer, **one}, depth - 1):
                yield {**one, **other}

    def _merge(self, content: dict[str, Any], outer: Parameters, depth: int) -> Iterator[dict[str, Any]]:
        """The sets of the first generator, with those of the others that have the same values under the merge keys."""
        generators, keys = mappings(content.get("generators")), content.get("mergeKeys")
        if not generators or not isinstance(keys, list) or not keys:
            raise UnknownError("its merge has no keys")
        sets = {self._merge_key(each, keys): each for each in self.generate(generators[0], outer, depth - 1)}
        for generator in generators[1:]:
            for each in self.generate(generator, outer, depth - 1):
                key = self._merge_key(each, keys)
                if key in sets:
                    sets[key] = {**sets[key], **each}
        yield from sets.values()

    def _merge_key(self, parameters: Parameters, keys: list[Any]) -> tuple[str, ...]:
        template = FieldTemplate(parameters, self.is_go)
        return tuple(str(template.look_up(str(key))) for key in keys)


def _application(run: _Run, resource: dict[str, Any], parameters: Parameters) -> dict[str, Any]:
    """The Application of one set of parameters.

    Raises:
        UnknownError: its name or the patch of its template is not known.
        TooComplexError: it is too large.
    """
    spec = mapping(resource, "spec")
    template = run.filled(mapping(spec, "template"), parameters)
    patch = spec.get("templatePatch")
    if isinstance(patch, str):
        content = read_patch(FieldTemplate(parameters, run.is_go, run.budget).fill(patch))
        if content is None:
            raise UnknownError("its templatePatch is a template that is not known")
        template = patched(template, content)
    metadata = mapping(template, "metadata")
    name = metadata.get("name")
    if not isinstance(name, str) or not name or ACTION in name:
        raise UnknownError("the names of its Applications are given by a template that is not known")
    namespace = run.document.text(resource["metadata"], "namespace")
    own = {"namespace": namespace} if namespace else {}
    head = {"apiVersion": resource["apiVersion"], "kind": "Application"}
    return {**head, "metadata": {**metadata, **own}, "spec": mapping(template, "spec")}


def read_patch(text: str) -> dict[str, Any] | None:
    """The content of a templatePatch, or None if it is a template or cannot be read."""
    if ACTION in text:
        return None
    try:
        found = next(decode_stream(text.encode("utf-8", "replace"), Bounds()), None)
    except DecodeError:
        return None
    return found.content if found is not None and isinstance(found.content, dict) else None


def patched(template: Any, patch: Any) -> Any:
    """A template with a merge patch: mappings are merged, a null removes, everything else is replaced."""
    if not isinstance(template, dict) or not isinstance(patch, dict):
        return patch
    merged = {key: value for key, value in template.items() if key not in patch}
    return merged | {key: patched(template.get(key), value) for key, value in patch.items() if value is not None}


def _documents(path: str, read: Callable[[str], bytes | None]) -> list[dict[str, Any]]:
    """The sets of parameters in a file of a git generator: a mapping, or a list of them.

    Raises:
        UnknownError: the file cannot be read.
    """
    blob = read(path)
    try:
        found = next(decode_stream(blob, Bounds()), None) if blob is not None else None
    except DecodeError:
        found = None
    if found is None:
        raise UnknownError("a file of its generator cannot be read")
    return mappings(found.content) if isinstance(found.content, list) else mappings([found.content])
