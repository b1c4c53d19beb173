"""The benchmark of lull against a direct connection, HAProxy and PgBouncer. Standard library only."""
