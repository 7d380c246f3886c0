"""The code location that Dagster loads: the settings are read once, here, and nothing else is done."""

from kubestats_pipeline.scan.parallel.gc_tuning import loading

with loading():
    from kubestats_pipeline.orchestration.assembly import build_definitions
    from kubestats_pipeline.orchestration.base.context import Services
    from kubestats_pipeline.settings import load_settings

    defs = build_definitions(Services(load_settings()))
