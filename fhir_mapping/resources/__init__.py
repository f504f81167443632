"""One file per FHIR resource: a document into a value, a value into a document."""
