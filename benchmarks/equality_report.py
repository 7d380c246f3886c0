"""The report on equality with kubectl: by repository, by feature, what kubectl refuses, and every difference.

It runs where the environment variable KUBECTL names kubectl 1.35.
"""

import os
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.equality import CHANGED, CLUSTERS, GOALS, Equality, compare_cluster, compare_folders
from benchmarks.inputs import export_tip, find_newest, name_of


def show_equality(folder: Path, corpus: Path, console: Console) -> bool:
    """Print the comparison of the newest trees, and return True if all goals were reached."""
    kubectl = os.environ.get("KUBECTL")
    if not kubectl:
        console.print("equality: not measured, because KUBECTL names no kubectl 1.35")
        return True
    remotes, notes = find_newest(corpus, folder)
    folders, clusters = Equality(), Equality()
    for remote in remotes:
        tree = export_tip(remote, folder / "trees")
        name = name_of(remote.parent if remote.name == ".git" else remote)
        folders.add(found := compare_folders(tree, kubectl))
        _say(console, f"folders of {name}: {_counts(found)}")
        if name in CLUSTERS:
            copy = folder / "copies" / name
            clusters.add(found := compare_cluster(tree, *CLUSTERS[name], kubectl, copy))
            _say(console, f"cluster of {name}: {_counts(found)}")
    console.print(_by_feature(folders, clusters))
    for each in (folders, clusters):
        _show_rest(each, console)
    for note in notes:
        console.print(note)
    return all(each.is_good(feature) for each in (folders, clusters) for feature in GOALS)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _counts(found: Equality) -> str:
    equal = (f"{found.equal[each]:,} of {found.objects[each]:,} {each}" for each in GOALS)
    return f"{' and '.join(equal)} objects equal, {found.built} built, {len(found.refused)} refused by kubectl"


def _by_feature(folders: Equality, clusters: Equality) -> Table:
    """The equal objects, of all and of those that each feature changed."""
    table = Table("equal to kubectl's", "in folders", "in clusters")
    features = (folders.objects | clusters.objects).keys() - GOALS.keys()
    for name in (*GOALS, *sorted(features)):
        table.add_row(name, _share(folders, name), _share(clusters, name), end_section=name == CHANGED)
    return table


def _share(found: Equality, feature: str) -> Text:
    equal, objects = found.equal[feature], found.objects[feature]
    if not objects:
        return Text("")
    text = f"{equal:,} of {objects:,}, {equal / objects:.2%}"
    goal = GOALS.get(feature)
    if goal is None:
        return Text(text)
    is_met = found.is_good(feature)
    return Text(f"{text}, goal {goal:.1%}{'' if is_met else ' MISSED'}", "green" if is_met else "bold red")


def _show_rest(found: Equality, console: Console) -> None:
    """Print what kubectl refuses by reason, and each difference with its reason."""
    refused = defaultdict[str, list[str]](list)
    for place, reason in found.refused:
        refused[reason].append(place)
    for reason, places in sorted(refused.items(), key=lambda each: -len(each[1])):
        _say(console, f"{len(places)} refused by kubectl, because {reason}: {', '.join(places)}")
    for difference in found.differences:
        _say(console, f"differs: {difference}")
