"""How weights live in memory and on disk: small, exact, and where they are needed."""
