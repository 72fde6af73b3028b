"""The error that is the user's to mend."""


class UserError(Exception):
    """A mistake its maker can mend: one line naming the thing, its value and what is allowed."""
