"""Objects by name: where all that is known is kept, in a folder of this machine or in an object store."""
