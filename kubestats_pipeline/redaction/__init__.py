"""What is secret, and how it is withheld: the one room that a security reviewer asks for."""
