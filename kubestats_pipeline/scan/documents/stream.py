"""One YAML stream to plain Python documents, exactly as Kubernetes decodes it, within bounds.

`builder.py` makes values of libyaml's events, and `scalars.py` has the rules for scalars. `file.py` decides how a file
with a broken document is read.
"""

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.events import DocumentStartEvent, StreamEndEvent

from kubestats_pipeline.lake.vocabulary import UnreadProblem
from kubestats_pipeline.scan.documents.builder import COLLECTIONS, Builder
from kubestats_pipeline.scan.documents.document import Block, Bounds, Decoded, DecodeError
from kubestats_pipeline.scan.documents.scalars import ScalarError

_TOO_DEEP = "exceeded maximum nesting depth"
"""libyaml's own error from version 0.2.6 on, which comes before the events that `Builder` would refuse."""


def decode_stream(
    stream: bytes,
    bounds: Bounds,
    first_line: int = 1,
    *,
    with_blocks: bool = False,
    builder: type[Builder] = Builder,
) -> Iterator[Decoded]:
    """Decode the documents of a stream one after another. The content of an empty document is None.

    Args:
        stream: UTF-8.
        bounds: size limits.
        first_line: the number of the stream's first line, for messages.
        with_blocks: record the blocks that can be decoded alone, which takes a quarter more time.
        builder: builds the values, by other rules than Kubernetes' if it is another class.

    Raises:
        DecodeError: at the first document that cannot be decoded, after the documents before it.
    """
    parser: Any = CParser(stream)
    built = builder(parser, bounds, first_line, with_blocks=with_blocks)
    line = first_line
    try:
        while True:
            event = parser.get_event()
            kind = type(event)
            if kind is DocumentStartEvent:
                line = first_line + event.start_mark.line
                yield built.build(line)
            elif kind is StreamEndEvent:
                return
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = first_line + mark.line if mark else line
        problem: UnreadProblem = "too_complex" if error.problem == _TOO_DEEP else "syntax"
        raise DecodeError(problem, error.problem or "not valid YAML", at) from None
    except yaml.reader.ReaderError as error:
        at = first_line + stream.count(b"\n", 0, error.position)
        raise DecodeError("encoding", "holds bytes or control characters that YAML does not allow", at) from None
    except ScalarError as error:
        raise DecodeError("syntax", str(error), line) from None
    finally:
        parser.dispose()


def decode_block(text: bytes, block: Block, document: Decoded, bounds: Bounds) -> Decoded | None:
    """Decode new lines that replace those of a block.

    Returns:
        The value, its blocks and its anchors, which may differ from those of the old block. None if the lines are not
        one block of the same indentation, or if they merge a mapping outside of them.
    """
    parser: Any = CParser(text)
    builder = Builder(parser, bounds, block.start, with_blocks=True)
    following = parser.get_event
    try:
        following()  # the start of the stream
        if type(start := following()) is not DocumentStartEvent or start.explicit:
            return None
        opening = following()
        if type(opening) not in COLLECTIONS or opening.start_mark.column != block.column:
            return None
        decoded = builder.build_block(opening, block, document)
        is_alone = not following().explicit and type(following()) is StreamEndEvent
        return decoded if is_alone else None
    except (DecodeError, ScalarError, yaml.MarkedYAMLError, yaml.reader.ReaderError):
        return None  # the whole document is decoded then, which gives the right line and error
    finally:
        parser.dispose()
