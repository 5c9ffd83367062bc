"""All that knows ClickHouse; no other room imports its driver."""
