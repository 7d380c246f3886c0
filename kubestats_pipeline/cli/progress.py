"""Progress bars on a terminal, made with rich. Only commands that work through repositories load them."""

import contextlib
import datetime
from collections.abc import Callable, Iterator
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from kubestats_pipeline.plain_text import plain_lines

LEAST_DONE, LEAST_SECONDS = 3, 10
"""Items and seconds after which an estimate says something."""


class RemainingColumn(ProgressColumn):
    """The time that the rest of a stage will take, if its items take as long as those that are done.

    The whole stage is looked at, because repositories differ by a hundred times. A stage that is soon over has none.
    """

    max_refresh = 1.0

    def render(self, task: Task) -> Text:
        """Such as `about 0:12:30 more`."""
        seconds = seconds_left(task.completed, task.total or 0, task.elapsed or 0)
        return Text(f"about {datetime.timedelta(seconds=round(seconds))} more" if seconds else "", style="dim")


def seconds_left(done: float, total: float, elapsed: float) -> float | None:
    """The estimate, or None where nothing can be said yet, or nothing is left."""
    if done < LEAST_DONE or elapsed < LEAST_SECONDS or done >= total:
        return None
    return elapsed / done * (total - done)


class RichProgress:
    """Progress bars on the terminal, one for each stage."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description:<11}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            RemainingColumn(),
            TextColumn("[dim]{task.fields[last]}[/dim]"),
            console=console,
        )

    def __enter__(self) -> "RichProgress":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Show the bars as they are for the last time, and give the cursor back."""
        self._progress.stop()

    @contextlib.contextmanager
    def track(self, stage: str, total: int) -> Iterator[Callable[[str], None]]:
        """Begin a stage of `total` items. The callable is called for each one that is done."""
        task = self._progress.add_task(stage, total=total, last="")
        yield lambda done: self._progress.update(task, advance=1, last=escape(plain_lines(done)))
