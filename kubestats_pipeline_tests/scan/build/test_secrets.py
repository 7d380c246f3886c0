"""Builds: no secret of a kustomization or patch comes into an object."""

import pytest

from kubestats_pipeline_tests.scan.build.trees import build, contents

SECRET = "hunter2-hunter2"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: b, password: ''}\n"
SOURCE = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: hunter2-hunter2}\n"
PATCH = f"apiVersion: v1, kind: ConfigMap, metadata: {{name: one}}, data: {{password: {SECRET}}}"
OPERATIONS = f'[{{"op": "add", "path": "/data/password", "value": "{SECRET}"}}]'
INTO = "targets: [{select: {kind: ConfigMap}, fieldPaths: [data.%s]}]"


@pytest.mark.parametrize(
    "fields",
    [
        f"commonAnnotations: {{password: {SECRET}}}",
        f"commonLabels: {{api-token: {SECRET}}}",
        f"patches: [{{patch: '{{{PATCH}}}'}}]",
        f'patchesStrategicMerge: ["{{{PATCH}}}\\n"]',
        f"patches: [{{target: {{kind: ConfigMap}}, patch: '{OPERATIONS}'}}]",
        f"replacements: [{{sourceValue: {SECRET}, {INTO % 'password'}}}]",
        f"replacements: [{{source: {{kind: Secret, fieldPath: stringData.key}}, {INTO % 'a'}}}]",
        f"configMapGenerator: [{{name: c, literals: [password={SECRET}]}}]",
        f"secretGenerator: [{{name: g, literals: [a={SECRET}]}}]",
        f"helmCharts: [{{name: c, valuesInline: {{password: {SECRET}}}}}]",
    ],
)
def test_a_secret_is_withheld_wherever_it_comes_from(fields: str):
    built = build({"kustomization.yaml": f"resources: [a.yaml]\n{fields}", "a.yaml": f"{CONFIG}---\n{SOURCE}"})
    assert len(contents(built)) >= 2
    assert SECRET not in str(built)


def test_a_failure_quotes_no_value():
    failure = build({"kustomization.yaml": f"resources: [a.yaml]\nnamePrefix: [{SECRET}]"}).failure
    assert failure == "namePrefix is not a text"
