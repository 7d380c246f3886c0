"""Several machines: real services and workers on loopback, which are killed and come back."""
