"""What is true: pure rules; no clock, no SQL, no HTTP."""
