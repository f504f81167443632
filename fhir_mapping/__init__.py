"""The translator: case data to FHIR R4 and back. Values in, values out; no clock, ids, session or settings."""
