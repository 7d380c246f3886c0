"""The earlier place of `parse_image`, kept for one version: import it from `kubestats_pipeline.plugins`."""

from kubestats_pipeline.scan.facts.images import parse_image as parse_image
