"""What documents are found by is built anew, in small batches, while the exchange runs.

Each batch is a transaction in its turn, so no document changes between being read and being indexed. Each document's
rows are replaced whole: broken off and run again it comes to the same.
"""

import time
from collections.abc import Callable
from typing import Final

from exchange.actions.documents.reindex_documents import reindex_documents
from exchange.db import document
from exchange.db.session import Database

BATCH: Final = 100
#  between two batches the other writers have their turn
BREATH_SECONDS: Final = 0.01
Progress = Callable[[str, int, int], None]


def reindex(
    database: Database,
    type_name: str | None,
    progress: Progress = lambda _stage, _done, _total: None,
    *,
    batch: int = BATCH,
    breath_seconds: float = BREATH_SECONDS,
) -> int:
    """Index all documents, or those of one type, and return how many there were."""
    with database.read() as session:
        total = document.count(session, type_name)
    done, after = 0, ""
    while True:
        with database.write() as session:
            count, last = reindex_documents(session, type_name, after=after, limit=batch)
        done += count
        if count:
            progress("documents indexed", done, max(total, done))
        if last is None:
            return done
        after = last
        time.sleep(breath_seconds)
