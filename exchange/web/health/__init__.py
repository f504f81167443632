"""The health door: is the process alive, and is it ready."""
