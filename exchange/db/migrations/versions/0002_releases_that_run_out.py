"""Find the releases whose last day has passed without looking at all of them."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the index. While it is made on PostgreSQL, writers wait: some seconds for a million referrals."""
    op.create_index("ix_release_until", "release", ["until"])


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_release_until", "release")
