"""How long a test waits for what must come: waiting costs nothing while all is well, and machines may be slow."""

PATIENCE_SECONDS = 120
