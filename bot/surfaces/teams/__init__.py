"""Microsoft Teams as a surface. No other folder imports Microsoft's packages, and those only where Teams is set up."""
