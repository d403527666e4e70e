"""How the networks in models/ were made; see training/README.md."""
