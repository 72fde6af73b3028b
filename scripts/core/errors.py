"""The error that users can fix."""


class UserError(Exception):
    """An error that users can fix: one line with the thing, its value and what is allowed."""
