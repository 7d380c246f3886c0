"""The statistics of the ecosystem by day: a table of the lake that the warehouse itself computes."""
