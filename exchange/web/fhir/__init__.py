"""The FHIR door: one file per interaction."""
