"""The commands of `signoff`, one module each. What they print is for people; only data goes to standard output."""
