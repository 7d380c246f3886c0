"""The parts that every asset and job is built from: settings at hand, partitions, batches, metadata."""
