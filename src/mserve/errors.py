"""Every exception of ours, with whose fault it is. Whoever catches one decides where its text may be shown."""


class MserveError(Exception):
    """What all of our exceptions are."""


class ClientError(MserveError):
    """The client's fault, in words meant for the client. Programs raise it; so do we for a bad request.

    `status` is the HTTP status, 400 to 599; `code` and `param` go into OpenAI's error body as they are.
    """

    def __init__(self, message: str, status: int = 400, code: str | None = None, param: str | None = None) -> None:
        if type(status) is not int or not 400 <= status <= 599:
            raise ValueError(f"a ClientError's status is an HTTP error, 400 to 599, not {status}")
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.param = param


class ProgramError(MserveError):
    """The program broke the contract. Its author reads the text, in the log; a client never does."""


class InvalidOutputError(ProgramError):
    """The program's answer is not what the client asked for, a JSON of some schema. The text names no value of it."""


class LoadError(MserveError):
    """A program cannot be served. The text is one sentence for its author, with the file and line where known."""


class StartupError(MserveError):
    """The server cannot start: an address in use, a lifespan that failed. The text says what to do."""


class ShutdownError(MserveError):
    """What programs share could not be closed: a lifespan failed after its `yield`."""


class LocalModelError(MserveError):
    """The embedded model cannot be fetched or loaded. The text is one sentence that says what to do."""
