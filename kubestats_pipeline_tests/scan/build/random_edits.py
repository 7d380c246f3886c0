"""Random edits of small trees: of objects, patches, names, bases, components, generators and replacements.

`test_edits.py` builds the trees after each of them.
"""

import json
import random
from typing import Any

from kubestats_pipeline_tests.scan.build.random_trees import FILES, MERGES, OBJECTS, RELEASE, Tree, make_tree

Edit = dict[str, str | None]
"""New texts by path. None removes the file."""

OTHER_TREES = 4_000
_KUSTOMIZATION = "/kustomization.yaml"
_VALUES = (1, 2, True, 1.0, None, "one", {"key": "one"}, {"key": 1}, [1], [True])


def make_fleet_tree(seed: int) -> Tree:
    """A tree of the shape of a fleet: releases in a base, and overlays with a patch of each."""
    draw = random.Random(seed)
    names = [f"app-{number}" for number in range(draw.randint(3, 6))]
    tree = {f"base/{name}.yaml": json.dumps(RELEASE | {"metadata": {"name": name}}) for name in names}
    tree["base/settings.yaml"] = json.dumps(OBJECTS["settings"])
    fields: dict[str, Any] = {"namespace": "one", "resources": [*(path.removeprefix("base/") for path in tree)]}
    tree[f"base{_KUSTOMIZATION}"] = json.dumps(fields)
    for folder, above in (("middle", "base"), ("top", draw.choice(["base", "middle"]))):
        patched = draw.sample(names, len(names) - 1)
        for name in patched:
            tree[f"{folder}/{name}.yaml"] = _patch_of(name, draw)
        fields = {"resources": [f"../{above}"], "patches": [{"path": f"{name}.yaml"} for name in patched]}
        if draw.random() < 0.3:
            fields["namePrefix"] = "p-"
        if draw.random() < 0.3:
            fields["configMapGenerator"] = [{"name": "made", "files": ["note.txt"]}]
            tree[f"{folder}/note.txt"] = FILES["note.txt"]
        tree[f"{folder}{_KUSTOMIZATION}"] = json.dumps(fields)
    return tree


def _patch_of(name: str, draw: random.Random) -> str:
    names = {"apiVersion": RELEASE["apiVersion"], "kind": RELEASE["kind"], "metadata": {"name": name}}
    return json.dumps(names | {"spec": {"interval": f"{draw.randint(1, 3)}h", "values": {"tag": draw.choice(_VALUES)}}})


def with_patch_files(tree: Tree) -> Tree:
    """A tree whose patches are in files of their own."""
    changed = dict(tree)
    for path in (path for path in tree if path.endswith(_KUSTOMIZATION)):
        fields = json.loads(tree[path])
        for number, entry in enumerate(fields.get("patches", ())):
            if "patch" in entry:
                changed[f"{path.removesuffix(_KUSTOMIZATION)}/patch-{number}.json"] = entry.pop("patch")
                entry["path"] = f"patch-{number}.json"
        changed[path] = json.dumps(fields)
    return changed


def edit(tree: Tree, draw: random.Random) -> Edit:
    """One edit of a tree, most often of a single object or patch."""
    sort = draw.random()
    objects = [path for path in tree if not path.endswith((_KUSTOMIZATION, *FILES))]
    kustomizations = [path for path in tree if path.endswith(_KUSTOMIZATION)]
    if sort < 0.6 and objects:
        path = draw.choice(objects)
        return {path: json.dumps(_edited(json.loads(tree[path]), draw))}
    if sort < 0.7 and (texts := [path for path in tree if path.endswith(tuple(FILES))]):
        return {draw.choice(texts): f"A={draw.randint(0, 3)}\n"}
    path = draw.choice(kustomizations)
    fields = json.loads(tree[path])
    if sort < 0.8:
        return _edit_of_list(path, fields, draw)
    other = with_patch_files(make_tree(draw.randrange(OTHER_TREES)))
    if path not in other:
        return {path: json.dumps(fields | {"namespace": draw.choice(["one", "two"])})}
    kept = {key: fields[key] for key in ("resources", "components", "apiVersion", "kind") if key in fields}
    folder = path.removesuffix("kustomization.yaml")
    beside = {name: text for name, text in other.items() if name.startswith(folder) and name not in tree}
    key = draw.choice([*json.loads(other[path])])
    taken = json.loads(other[path]) if sort > 0.9 else fields | {key: json.loads(other[path])[key]}
    return {**beside, path: json.dumps(taken | kept)}


def _edit_of_list(path: str, fields: dict[str, Any], draw: random.Random) -> Edit:
    """A kustomization with an entry of one of its lists left out, or with the list in another order."""
    lists = [key for key, value in fields.items() if isinstance(value, list) and value]
    if not lists:
        return {path: json.dumps(fields | {"namePrefix": draw.choice(["", "p-", "q-"])})}
    key = draw.choice(lists)
    items = draw.sample(fields[key], len(fields[key]))
    return {path: json.dumps(fields | {key: items if draw.random() < 0.4 else items[1:]})}


def _edited(content: Any, draw: random.Random) -> Any:
    """An object, a patch or a list of operations with something in it changed."""
    if isinstance(content, list):
        return [_edited(item, draw) if draw.random() < 0.5 else item for item in content]
    sort = draw.random()
    if sort < 0.1 and isinstance(content.get("metadata"), dict):
        names = {"name": draw.choice(["app", "web", "other"]), "namespace": draw.choice(["one", "two"])}
        key = draw.choice([*names])
        return content | {"metadata": content["metadata"] | {key: names[key]}}
    if sort < 0.15:
        return content | {"$patch": "delete"}
    if sort < 0.2:
        return draw.choice(MERGES)
    return _with_leaf(content, draw)


def _with_leaf(content: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """A mapping with one value below it replaced, apart from what says which object it is."""
    keys = [key for key in content if key not in ("apiVersion", "kind", "metadata", "$patch", "op")]
    if not keys:
        return content | {"spec": {"made": draw.choice(_VALUES)}}
    key = draw.choice(keys)
    value = content[key]
    if isinstance(value, dict) and value and draw.random() < 0.9:
        return content | {key: _with_leaf(value, draw)}
    return content | {key: draw.choice(_VALUES) if not isinstance(value, str) else f"{value}{draw.randint(0, 1)}"}
