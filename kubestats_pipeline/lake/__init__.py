"""The tables that every stage reads and writes: their contract, their files, and the log of events."""
