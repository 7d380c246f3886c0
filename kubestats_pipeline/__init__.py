"""Kubestats watches the GitOps ecosystem: discover -> sync -> scan -> warehouse."""
