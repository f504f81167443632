"""The portal door: pages for people."""
