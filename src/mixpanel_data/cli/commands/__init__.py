"""The commands: arguments in, a call of the library, something printed."""
