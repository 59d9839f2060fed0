"""The ledger: lots, holds, entries, and what a session costs."""
