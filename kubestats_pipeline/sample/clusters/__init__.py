"""The sample clusters, one module each. Its docstring describes the history, and `…_files.py` holds its manifests.

aurora: Flux with HelmRepositories. tidewater: Flux with OCIRepositories. granite: from the one to the other.
orchard: Argo CD. magpie: a mess. sprout: three commits old.
"""
