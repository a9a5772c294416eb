//! The agent's journal in SQLite.
