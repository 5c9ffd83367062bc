"""Database files as files: revisions of their schema, copies, and what may be wrong."""
