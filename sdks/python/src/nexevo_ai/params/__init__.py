"""Types of arguments, for type checkers."""
