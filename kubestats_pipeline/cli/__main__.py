"""`python -m kubestats_pipeline.cli`: the `kubestats` command."""

from kubestats_pipeline.cli.main import app

app()
