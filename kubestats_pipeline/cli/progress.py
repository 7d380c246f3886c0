"""Progress bars on a terminal, made with rich. Only commands that work through repositories load them."""

import contextlib
from collections.abc import Callable, Iterator
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from kubestats_pipeline.plain_text import plain_lines


class RichProgress:
    """Progress bars on the terminal, one for each stage."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description:<11}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[last]}[/dim]"),
            console=console,
        )

    def __enter__(self) -> "RichProgress":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextlib.contextmanager
    def track(self, stage: str, total: int) -> Iterator[Callable[[str], None]]:
        """Begin a stage of `total` items. The callable is called for each one that is done."""
        task = self._progress.add_task(stage, total=total, last="")
        yield lambda done: self._progress.update(task, advance=1, last=escape(plain_lines(done)))
