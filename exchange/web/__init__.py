"""Who may knock: the doors. The only Flask."""
