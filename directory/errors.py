"""What can go wrong with a directory as a whole; what is wrong with single rows is a `Problem`.

DirectoryError
├── UnknownFormat     nobody can read the path
├── NothingRead       the path was read and held no record
├── TooManyGone       too much of the source has vanished
└── BadQuery          the search cannot be understood
"""


class DirectoryError(Exception):
    """The message is a whole sentence that names the remedy."""


class UnknownFormat(DirectoryError):
    """No format recognises the path, or the format named does not exist."""


class NothingRead(DirectoryError):
    """The path held no organisation, service or location."""


class TooManyGone(DirectoryError):
    """The import would remove more of the source's services than is believable."""


class BadQuery(DirectoryError):
    """A search parameter has a value that cannot be used."""
