"""What is in a database: tables, columns, and the expressions over their properties."""
