"""Code hosts: polite clients of their APIs, and what they answer as typed records; no stage is known here."""
