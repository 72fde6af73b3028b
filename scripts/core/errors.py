"""The errors that users can fix."""

# What Python raises for JSON of another form than expected.
WRONG_FORM = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class UserError(Exception):
    """An error that users can fix: one line with the thing, its value and what is allowed."""


class UnreadableError(UserError):
    """Something that cannot be read, so that nothing is known of it, nor that it does not exist."""
