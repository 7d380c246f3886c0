"""The closed vocabularies of the tables: the only values that some text columns hold.

A column's sentence lists its values from here (`tables.py`, `scan_tables.py`), and functions that choose a value have
the type in their signatures. The order of the values is the order of the sentence.
"""

from typing import Any, Literal, get_args

RepositoryStatus = Literal["active", "blocked", "pending_approval", "retired"]
RetiredBecause = Literal["deleted", "name_taken", "gone"]
SyncStatus = Literal["synced", "unchanged", "error", "empty", "too_large", "gone", "unsupported"]
ScanStatus = Literal["scanned", "error"]
GitOpsEngine = Literal["flux", "argocd", "fleet", "helmfile", "none"]
ResourceStatus = Literal["ACTIVE", "DELETED"]
Context = Literal["active", "archived", "template", "test", "bootstrap"]
Resolution = Literal["exact", "ambiguous", "unresolved", "not_applicable"]
ChartKind = Literal["helm", "oci", "git", "path"]
ImageRole = Literal["main", "init", "sidecar"]
ValueType = Literal["string", "integer", "float", "boolean", "null", "map", "list"]
EventType = Literal["CREATED", "MODIFIED", "DELETED", "RESURRECTED"]
AppliedEventType = Literal["CREATED", "MODIFIED", "DELETED"]
AuthorKind = Literal["human", "renovate", "dependabot", "flux", "other_bot"]
UnreadProblem = Literal["syntax", "template", "too_large", "too_complex", "encoding", "encrypted_kind"]
"""Classes of problems of files that were not read."""

ProblemClass = Literal[UnreadProblem, "encoding_replaced", "not_built"]
"""Classes of problems. A file with encoding_replaced was read, and one with not_built too."""


def one_of(vocabulary: Any) -> str:
    """The values of a vocabulary as a phrase: `main, init or sidecar`."""
    *first, last = get_args(vocabulary)
    return f"{', '.join(first)} or {last}"
