"""What one step needs of several tables, read by one statement."""
