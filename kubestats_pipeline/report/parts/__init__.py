"""The parts of pages: addresses, queries, cells, links, drawings and documents. It knows no single page."""
