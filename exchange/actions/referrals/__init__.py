"""Actions on referrals: send, answer, send on, expire."""
