"""One file per arrow of the flow. A step commits what happened and promises the rest with it."""
