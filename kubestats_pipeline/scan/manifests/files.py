"""The YAML files of a repository at one commit, and the resources that they declare.

A blob is read once, even if it occurs often. A file that cannot be read keeps its last known resources. `replay.py`
makes events of the difference that a step makes to the declared resources.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kubestats_pipeline.git.history import Change, is_of_interest, is_template
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.encoding import is_utf16
from kubestats_pipeline.scan.documents.file import Problem
from kubestats_pipeline.scan.documents.repository_paths import resolve_entry
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.kustomize.reading import reads_alike
from kubestats_pipeline.scan.manifests.embedded import CHART_FILE, special_name
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.incremental import IncrementalReader
from kubestats_pipeline.scan.manifests.manifests import FileContent, Manifest, ResourceKey

Declared = Mapping[Identity, Manifest]
ReadBlob = Callable[[str], bytes | None]

CACHED_BLOBS = 2_000
"""Blobs whose content is kept in memory: enough for moves, reverts and branches that are merged."""

CACHED_BYTES = 32_000_000
"""Bytes of memory that they may take, so that long files are kept in fewer versions."""

_ACTION = b"{{"
_TEMPLATES = "templates/"

_TEMPLATE = FileContent(problems=(Problem("template", "a template by its name or folder, not YAML"),))


class File(NamedTuple):
    """One file at the current commit.

    Attributes:
        oid: its blob.
        content: the content of the blob.
        declared: its resources, the retained ones included.
        retained: resources whose document cannot be read now, so that their last known version is kept.
    """

    oid: str
    content: FileContent
    declared: Declared
    retained: frozenset[Identity] = frozenset()

    @property
    def lines(self) -> Iterator[tuple[Identity, int]]:
        """The resources with the line on which the content of their document begins, where it can be told."""
        readable = (identity for identity in self.declared if identity not in self.retained)
        return zip(readable, self.content.lines, strict=False)


class BlobKey(NamedTuple):
    """The key of a file's content: its blob, and its name if the content depends on it, else an empty text."""

    oid: str
    name: str


class FileVersion(NamedTuple):
    """A file and its blob."""

    path: str
    oid: str

    @property
    def key(self) -> BlobKey:
        """The key of its content."""
        return BlobKey(self.oid, special_name(self.path))


def read_version(version: FileVersion, read_blob: ReadBlob, reader: IncrementalReader) -> FileContent:
    """The content of a blob in its file. A blob that is not in the mirror is larger than those that mirrors keep."""
    blob = read_blob(version.oid)
    if blob is None:
        problem = Problem("too_large", "larger than the blobs that a mirror keeps (1 MB)")
        return FileContent(problems=(problem,), is_complete=False)
    content = reader.read(version.path, blob, version.key.name)
    if content.manifests and content.reads_alike and not reads_alike(blob):
        return content._replace(reads_alike=False)
    return content


@dataclass
class ContentCache:
    """Reads blobs, and keeps the content of recent ones.

    Attributes:
        read_blob: returns the bytes of a blob, or None if the mirror does not have it.
        bounds: size limits.
        take: returns the content that a helper process has read ahead, or None if there is none.
    """

    read_blob: ReadBlob
    bounds: Bounds
    take: Callable[[BlobKey], FileContent | None] | None = None
    _reader: IncrementalReader = field(init=False)
    _recent: OrderedDict[BlobKey, FileContent] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def __post_init__(self) -> None:
        self._reader = IncrementalReader(self.bounds)

    def read_template(self, path: str, oid: str) -> FileContent:
        """The content of a file of a chart's templates. Helm copies text without an action as it is.

        Checked with `helm template` of Helm 4.1.4.
        """
        blob = self.read_blob(oid)
        is_rendered = blob is not None and (_ACTION in blob or is_utf16(blob))
        return _TEMPLATE if is_rendered else self.read(path, oid, blob)

    def read(self, path: str, oid: str, blob: bytes | None = None) -> FileContent:
        """The content of a blob in a file of this name. `blob` are its bytes, if they are at hand."""
        version = FileVersion(path, oid)
        key = version.key
        if key in self._recent:
            self._recent.move_to_end(key)
            return self._recent[key]
        content = self.take(key) if self.take is not None else None
        if content is None:
            read_blob = self.read_blob if blob is None else lambda _: blob
            content = read_version(version, read_blob, self._reader)
        self._remember(key, content)
        return content

    def _remember(self, key: BlobKey, content: FileContent) -> None:
        self._recent[key] = content
        self._bytes += content.memory
        while len(self._recent) > CACHED_BLOBS or (self._bytes > CACHED_BYTES and len(self._recent) > 1):
            _, oldest = self._recent.popitem(last=False)
            self._bytes -= oldest.memory


class Files:
    """The files of one repository, moved from commit to commit by `apply`."""

    def __init__(self, cache: ContentCache) -> None:
        self._cache = cache
        self._files: dict[str, File] = {}
        self._others: dict[str, str] = {}
        self._changed: set[str] = set()
        self._listed: Counter[str] = Counter()

    def __getitem__(self, path: str) -> File:
        return self._files[path]

    def get(self, path: str) -> File | None:
        """A file, or None if the commit has none at the path."""
        return self._files.get(path)

    @property
    def oids(self) -> dict[str, str]:
        """Path to blob id of every file, those of other formats than YAML included."""
        return self._others | {path: file.oid for path, file in self._files.items()}

    @property
    def paths(self) -> Iterable[str]:
        """The paths of the YAML files, and of the JSON files that a kustomization lists."""
        return self._files.keys()

    def blob_of(self, path: str) -> str | None:
        """The blob of a file of any format, or None if the commit has none at the path or it must be read again."""
        file = self._files.get(path)
        return (file.oid or None) if file is not None else self._others.get(path)

    def take_changed(self) -> set[str]:
        """The paths of all files that have changed since the last call, those of other formats than YAML included."""
        changed, self._changed = self._changed, set()
        return changed

    @property
    def templates(self) -> dict[str, str]:
        """Path to blob id of the files that are templates. These declare nothing."""
        return {path: file.oid for path, file in self._files.items() if file.content is _TEMPLATE}

    def restore(self, path: str, retained: Declared) -> None:
        """Add to a file the resources that it declared before it became unreadable."""
        known = self._files.get(path) or File("", FileContent(is_complete=False), {})
        declared = {**retained, **known.declared}
        self._files[path] = File(
            known.oid, known.content, declared, known.retained | (retained.keys() - known.declared.keys())
        )
        self._changed.add(path)

    def forget(self, path: str, known: Container[Identity]) -> None:
        """Let the next step read a file again, as if it had changed. Of its resources only the known ones stay."""
        file = self._files[path]
        declared = {identity: manifest for identity, manifest in file.declared.items() if identity in known}
        self._files[path] = file._replace(oid="", content=file.content._replace(lines=()), declared=declared)
        self._changed.add(path)

    def apply(self, changes: Iterable[Change]) -> dict[str, tuple[File | None, File | None]]:
        """Apply the changes of one step.

        Returns:
            The file before and after, for every YAML file that was touched. None stands for no file.
        """
        wanted = self._wanted(changes)
        wanted |= self._chart_templates(wanted)
        before = {path: self._files.get(path) for path in wanted}
        # A file that moves in this step and cannot be read keeps the resources that it had at its old path.
        gone = {file.oid: file for path, file in before.items() if file is not None and wanted[path] is None}
        for path, oid in wanted.items():
            if oid is None:
                self._files.pop(path, None)
        charts = {path for path, oid in wanted.items() if oid is not None and _is_chart(path)}
        for path, oid in wanted.items():
            if oid is not None:
                self._files[path] = self._read(path, oid, before[path] or gone.get(oid), charts)
        touched = {path: (before[path], self._files.get(path)) for path in wanted}
        touched |= self._read_listed(touched)
        return dict(sorted(touched.items()))

    def _wanted(self, changes: Iterable[Change]) -> dict[str, str | None]:
        """The YAML files among changes. Of the others only the blobs are noted."""
        wanted: dict[str, str | None] = {}
        for path, oid in changes:
            self._changed.add(path)
            if is_of_interest(path) or path in self._files:
                wanted[path] = oid
            elif oid is None:
                self._others.pop(path, None)
            else:
                self._others[path] = oid
                if path in self._listed:
                    wanted[path] = self._others.pop(path)
        return wanted

    def _read_listed(
        self, touched: Mapping[str, tuple[File | None, File | None]]
    ) -> dict[str, tuple[File | None, File | None]]:
        """Read the JSON files that a kustomization lists now, and drop those that none lists any more."""
        before: Counter[str] = Counter()
        after: Counter[str] = Counter()
        for path, (former, latter) in touched.items():
            before.update(_listed_json(path, former))
            after.update(_listed_json(path, latter))
        read: dict[str, tuple[File | None, File | None]] = {}
        self._listed.subtract(before)
        self._listed.update(after)
        for path in before.keys() | after.keys():
            file = self._files.get(path)
            if self._listed[path] <= 0:
                del self._listed[path]
                if file is not None:
                    self._others[path] = self._files.pop(path).oid
                    read[path] = (touched[path][0] if path in touched else file, None)
            elif path in self._others:
                self._files[path] = self._read(path, self._others.pop(path), None, set())
                read[path] = (None, self._files[path])
        return read

    def _read(self, path: str, oid: str, former: File | None, new_charts: set[str]) -> File:
        if is_template(path):
            return File(oid, _TEMPLATE, {})
        chart = self._chart_of_template(path, new_charts)
        content = self._cache.read(path, oid) if chart is None else self._cache.read_template(path, oid)
        declared = declare(path, content.manifests if chart is None else _in_context(content.manifests, path, chart))
        if content is _TEMPLATE:
            return File(oid, content, {})
        if content.is_complete or former is None:
            return File(oid, content, declared)
        last_known = {identity._replace(path=path): manifest for identity, manifest in former.declared.items()}
        kept = {identity: manifest for identity, manifest in last_known.items() if identity not in declared}
        return File(oid, content, {**declared, **kept}, frozenset(kept))

    def _chart_templates(self, wanted: Mapping[str, str | None]) -> dict[str, str | None]:
        """Files that become templates, or no longer are, because a Chart.yaml beside their folder comes or goes."""
        folders = [
            path.removesuffix(CHART_FILE) for path, oid in wanted.items() if _is_chart(path) and self._flips(path, oid)
        ]
        prefixes = tuple(f"{folder}templates/" for folder in folders)
        if not prefixes:
            return {}
        return {
            path: file.oid for path, file in self._files.items() if path.startswith(prefixes) and path not in wanted
        }

    def _flips(self, path: str, oid: str | None) -> bool:
        return (oid is None) == (path in self._files)

    def _chart_of_template(self, path: str, new_charts: set[str]) -> str | None:
        """The Chart.yaml of a file that is below the `templates` folder of a Helm chart."""
        if _TEMPLATES not in path:
            return None
        parts = path.split("/")
        charts = (
            "/".join([*parts[:index], CHART_FILE]) for index, part in enumerate(parts[:-1]) if part == "templates"
        )
        return next((chart for chart in charts if chart in self._files or chart in new_charts), None)


def declare(path: str, manifests: Iterable[Manifest]) -> dict[Identity, Manifest]:
    """The resources of a file by identity. Those with equal keys are numbered in their order."""
    seen: Counter[ResourceKey] = Counter()
    declared = {}
    for manifest in manifests:
        declared[Identity(manifest.key, path, seen[manifest.key])] = manifest
        seen[manifest.key] += 1
    return declared


def _listed_json(path: str, file: File | None) -> set[str]:
    """The JSON files that a kustomization lists as resources."""
    kustomize = file.content.kustomize if file is not None else None
    if kustomize is None:
        return set()
    folder = path.rpartition("/")[0]
    return {resolve_entry(folder, entry) for entry in kustomize.entries if entry.endswith(".json")}


def declared_in(files: Iterable[File | None]) -> dict[Identity, Manifest]:
    """The resources of some files. None stands for no file."""
    return {identity: manifest for file in files if file for identity, manifest in file.declared.items()}


def _in_context(manifests: Iterable[Manifest], path: str, chart: str) -> Iterator[Manifest]:
    """The resources of a chart's template in their context: the name of the folder `templates` does not count."""
    inside = path.removeprefix(chart.removesuffix(CHART_FILE)).removeprefix(_TEMPLATES)
    context = context_of(chart.removesuffix(CHART_FILE) + inside)
    is_of_path = context == context_of(path)
    for manifest in manifests:
        yield manifest if is_of_path else manifest._replace(facts=manifest.facts._replace(context=context))


def _is_chart(path: str) -> bool:
    return path == CHART_FILE or path.endswith(f"/{CHART_FILE}")
