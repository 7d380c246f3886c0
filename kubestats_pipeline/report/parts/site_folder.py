"""The folder of the site, and how a new one takes its place as a whole.

`report` is a symbolic link to `report.sites/<digest>/site`. A build makes a folder of its own beside it, links the
files that have not changed, writes the others, and moves the symbolic link, which is one step for whoever reads. The
site before stays until the next build, for those who are reading it. Then its folder becomes that of the new site. A
build of the whole site leaves the next one a folder of links, because to make the folders takes longer than to make a
few pages. A build that is killed leaves a folder that the next one removes.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from kubestats_pipeline.locks import is_alive
from kubestats_pipeline.report.parts.published import ReportError
from kubestats_pipeline.report.parts.taken_folder import TakenFolder

STATE = "state.json"
"""Notes for the next build, beside the site and not in it."""

NEXT = "next"
"""The folder in that of a whole new site which is laid out for the build after it."""

OWN_FILES = ("index.html", "index.json", "feed.xml", "sitemap.xml", "site.js", "style.css")
"""Files by which a site is known for ours."""

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
"""How files are opened: none that is there. Python's own opening asks the system three things more about each."""


@dataclass
class SiteFolder:
    """The published site of one place, `target`.

    Attributes:
        target: the symbolic link by which the site is reached.
    """

    target: Path

    @property
    def sites(self) -> Path:
        """The folder of the sites, the one in use among them."""
        return self.target.with_name(f"{self.target.name}.sites")

    @property
    def current(self) -> Path | None:
        """The folder of the site in use, or None before the first build."""
        if not self.target.is_symlink():
            return None
        folder = self.target.parent / self.target.readlink()
        return folder.parent if (folder / "index.html").is_file() else None

    def read_state(self) -> dict[str, Any]:
        """The notes of the last build. Without them, or where they cannot be read, everything is made anew."""
        current = self.current
        try:
            state = orjson.loads((current / STATE).read_bytes()) if current else {}
        except (OSError, orjson.JSONDecodeError):
            return {}
        return state if isinstance(state, dict) else {}

    def _is_copy(self) -> bool:
        """True if a whole site of ours is in the place of the link, as a copy that followed the link leaves it."""
        return all((self.target / name).is_file() for name in OWN_FILES)

    def begin(self, last: Mapping[str, Any] | None = None) -> "NewSite":
        """A new folder beside the one in use. Folders of builds that were killed are removed.

        Args:
            last: the notes of the last build, if its site is to be followed.

        Raises:
            ReportError: something else stands in its place.
        """
        if self.target.exists() and not self.target.is_symlink() and not self._is_copy():
            raise ReportError(f"{self.target} is in the way of the pages. Move it elsewhere, and run again")
        self.sites.mkdir(parents=True, exist_ok=True)
        for leftover in self.sites.glob("*.tmp"):
            process = leftover.name.partition(".")[0]
            if not process.isdecimal() or int(process) == os.getpid() or not is_alive(int(process)):
                shutil.rmtree(leftover, ignore_errors=True)
        folder = self.sites / f"{os.getpid()}.tmp"
        return NewSite(self, folder, self.current, self._take(folder, last or {}))

    def _take(self, folder: Path, last: Mapping[str, Any]) -> TakenFolder:
        """Take the folder of the site that the last one followed, or make one where it is not there."""
        current = self.current
        if not current or not last:
            before = folder
        else:
            before = self.sites / last["followed"] if "followed" in last else current / NEXT
        if not (before / "site").is_dir():
            (folder / "site").mkdir(parents=True)
            return TakenFolder()
        before.rename(folder)
        (folder / STATE).unlink(missing_ok=True)
        return TakenFolder(f"{folder}/site", last.get("written", ()))


@dataclass
class NewSite:
    """A site that is being built.

    Attributes:
        place: where it will be published.
        folder: where it is built.
        last: the site in use, from which files are linked.
        taken: what its folder has of a site before.
        kept: how many files are those of the last site.
        pages: how many pages it has.
    """

    place: SiteFolder
    folder: Path
    last: Path | None
    taken: TakenFolder = field(default_factory=TakenFolder)
    kept: int = 0
    pages: int = 0
    _made: set[str] = field(default_factory=set)
    _written: list[str] = field(default_factory=list)

    @property
    def written(self) -> int:
        """How many files were written."""
        return len(self._written)

    @property
    def path(self) -> Path:
        """The folder of its files."""
        return self.folder / "site"

    def write(self, address: str, content: bytes) -> None:
        """Write a file, or link it if the last site has the same one."""
        before = self.last / "site" / address if self.last else None
        if before and before.is_file() and before.read_bytes() == content:
            self.keep(address)
            return
        file = os.open(self._path(address), NEW_FILE, 0o666)
        try:
            while content:
                content = content[os.write(file, content) :]
        finally:
            os.close(file)
        self._written.append(address)

    def keep(self, *addresses: str) -> None:
        """Link files of the last site.

        Raises:
            FileNotFoundError: one of them is not there.
        """
        if self.last is None:
            raise FileNotFoundError(addresses)
        for address in addresses:
            if not self.taken.keep(address):
                _link(f"{self.last}/site/{address}", self._path(address))
        self.kept += len(addresses)

    def publish(self, state: Mapping[str, Any]) -> None:
        """Note what the next build must know, and let the site take the place of the last one."""
        self.taken.remove_rest()
        following: dict[str, Any] = {}
        if self.last and self.kept > self.written:
            following = {"followed": self.last.name, "written": self._written}
        else:
            self._lay_out_next()
        content = orjson.dumps({**state, **following})
        (self.folder / STATE).write_bytes(content)
        final = self.place.sites / f"{hashlib.sha256(content).hexdigest()[:16]}-{self._next_number()}"
        self.folder.rename(final)
        link = self.place.target.with_name(f"{self.place.target.name}.{os.getpid()}.link")
        link.unlink(missing_ok=True)
        link.symlink_to(Path(self.place.sites.name) / final.name / "site")
        if self.place.target.is_dir() and not self.place.target.is_symlink():
            self.place.target.rename(self.place.sites / f"{os.getpid()}-copy")
        link.replace(self.place.target)
        for folder in self.place.sites.iterdir():
            if folder.is_dir() and folder not in (final, self.last) and not folder.name.endswith(".tmp"):
                shutil.rmtree(folder, ignore_errors=True)

    def discard(self) -> None:
        """Remove everything that was built."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _next_number(self) -> int:
        """One more than that of any site, so that no two folders have one name."""
        known = (path.name.rpartition("-")[2] for path in self.place.sites.iterdir())
        return 1 + max((int(number) for number in known if number.isdecimal()), default=0)

    def _path(self, address: str) -> str:
        """Where a file goes, as text: making objects of tens of thousands of paths takes longer than linking them."""
        self._make_folder(address.rpartition("/")[0])
        self.taken.make_room(address)
        return f"{self.folder}/site/{address}"

    def _lay_out_next(self) -> None:
        """Lay out the folder of the next build, which makes its own one where this cannot be done."""
        shutil.rmtree(self.folder / NEXT, ignore_errors=True)
        try:
            _link_all(f"{self.folder}/site", f"{self.folder}/{NEXT}/site")
        except OSError:  # a file system without hard links, or a full disk, of which the state's file tells
            shutil.rmtree(self.folder / NEXT, ignore_errors=True)

    def _make_folder(self, folder: str) -> None:
        """Make a folder of the site, and those above it first, none of them twice."""
        if folder and folder not in self._made:
            self._made.add(folder)
            self._make_folder(folder.rpartition("/")[0])
            if not self.taken.has_folder(folder):
                os.mkdir(f"{self.folder}/site/{folder}")  # noqa: PTH102 - a path is a text here, see _path


def _link(source: str, target: str) -> None:
    """Link a file, or copy it on a file system without hard links.

    Raises:
        FileNotFoundError: the file is not there.
        FileExistsError: another one is in its place, which may belong to an earlier site too.
    """
    try:
        os.link(source, target)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:
        shutil.copyfile(source, target)


def _link_all(source: str, target: str) -> None:
    """Make a folder with links to all files of another one, which are texts as in `NewSite`."""
    os.makedirs(target)  # noqa: PTH103
    with os.scandir(source) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _link_all(entry.path, f"{target}/{entry.name}")
            else:
                os.link(entry.path, f"{target}/{entry.name}")
