"""Where the resources of each type stand, and how they are taken down: stored, projected, or lines of the audit."""
