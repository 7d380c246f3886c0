"""The sample clusters, a module each; its docstring says what the history shows, and `…_files.py` holds its manifests.

aurora: Flux with HelmRepositories. tidewater: Flux with OCIRepositories. granite: from the one to the other.
orchard: Argo CD. magpie: a mess. sprout: three commits old.
"""
