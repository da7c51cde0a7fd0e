"""The typography report: what can be read from a finished handbook, and where it falls short."""
