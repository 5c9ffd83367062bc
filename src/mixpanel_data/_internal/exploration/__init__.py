"""What is in a table: a Core table and parameters in, a Select out; and the values of its rows."""
