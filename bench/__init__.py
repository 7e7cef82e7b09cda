"""How fast Signoff is, measured from outside: `make bench`, explained in docs/performance.md."""
