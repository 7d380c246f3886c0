"""Code hosts: polite clients of their APIs, and what they answer as typed records. No stage is known here."""
