"""Records and exports into tables: a job, a source, one transaction."""
