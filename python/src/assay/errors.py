"""What goes wrong, as a hierarchy: one class for each code of the library, HTTP API and command line."""


class Error(Exception):
    """Base of all errors of assay. `code` is the gRPC name of what went wrong."""

    code = "internal"


class InvalidArgument(Error, ValueError):
    """The caller's input is wrong, whatever the state of the system."""

    code = "invalid_argument"


class OutOfRange(Error, ValueError):
    """A value is past a limit."""

    code = "out_of_range"


class NotFound(Error, LookupError):
    """A named thing does not exist."""

    code = "not_found"


class AlreadyExists(Error):
    """A thing that must be new is there already."""

    code = "already_exists"


class PermissionDenied(Error):
    """The operating system or a policy refuses."""

    code = "permission_denied"


class Unauthenticated(Error):
    """No valid credentials."""

    code = "unauthenticated"


class FailedPrecondition(Error):
    """The system is not in the state that the call needs."""

    code = "failed_precondition"


class ResourceExhausted(Error):
    """Disk, memory, quota or queue is full."""

    code = "resource_exhausted"


class Unavailable(Error, ConnectionError):
    """A service does not answer now; trying again may help."""

    code = "unavailable"


class DeadlineExceeded(Error, TimeoutError):
    """It took too long."""

    code = "deadline_exceeded"


class DataLoss(Error):
    """Stored bytes are damaged."""

    code = "data_loss"


class Internal(Error):
    """A bug in Assay."""

    code = "internal"


class NoTwin(Error, NotImplementedError):
    """There is no pure Python form of this; the extension module is needed."""

    code = "failed_precondition"


BY_CODE: dict[str, type[Error]] = {
    kind.code: kind
    for kind in (
        InvalidArgument, OutOfRange, NotFound, AlreadyExists, PermissionDenied, Unauthenticated, FailedPrecondition,
        ResourceExhausted, Unavailable, DeadlineExceeded, DataLoss, Internal,
    )
}  # fmt: skip
