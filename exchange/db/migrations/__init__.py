"""One history, one head, over both Bases. Migrations import no models; a test compares them with both metadatas."""
