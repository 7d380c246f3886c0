"""Facts about one resource: charts, versions, images, contexts."""
