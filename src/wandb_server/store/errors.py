"""What goes wrong in the store, without the database that it is kept in."""


class StoreError(Exception):
    """The data could not be read or written."""


class UnusableStoreError(StoreError):
    """The file is no database of ours: damaged, of a newer version, or something else."""


class DamagedError(StoreError):
    """Part of the file cannot be read; and from then on, nothing can be written to it."""


class NotStoredError(StoreError):
    """Nothing could be written now, the disk being full, say; the same may work later."""


class ConflictError(StoreError):
    """What was to be written contradicts what is there: a name that is taken, say."""


class UnfitError(StoreError):
    """A value has no form in the database: a number of more than 64 bits, half a surrogate pair."""
