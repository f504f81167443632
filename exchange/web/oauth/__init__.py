"""The OAuth door: one file per endpoint (SMART App Launch 2.2, Backend Services)."""
