"""Reads a server's certificate. Every way that this fails is told before anything is served, and none waits."""

import ssl

from mserve.errors import StartupError


def tls_context(certfile: str | None, keyfile: str | None, password: str | None) -> ssl.SSLContext | None:
    """Give what TLS is spoken with, None where it is not; `StartupError` for files that do not serve."""
    if certfile is None:
        if keyfile is not None or password is not None:
            raise StartupError("--ssl-keyfile and --ssl-keyfile-password need --ssl-certfile, the certificate")
        return None
    for flag, file in (("certfile", certfile), ("keyfile", keyfile)):
        if file is not None:
            _check_readable(flag, file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Always a password: without one, OpenSSL would ask the terminal, and wait.
        context.load_cert_chain(certfile, keyfile, lambda: password or "")
    except (ssl.SSLError, ValueError) as error:
        raise StartupError(_reason(certfile, keyfile, error)) from error
    return context


def _check_readable(flag: str, file: str) -> None:
    """Name the file that cannot be read: OpenSSL does not say which."""
    try:
        with open(file, "rb"):  # noqa: PTH123  # as OpenSSL will
            pass
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise StartupError(f"--ssl-{flag} {file} cannot be read: {why}") from error


def _reason(certfile: str, keyfile: str | None, error: Exception) -> str:
    files = certfile if keyfile is None else f"{certfile} with {keyfile}"
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return f"cannot use {files}: the key is another certificate's"
    return (
        f"cannot use {files}: these are PEM files, a certificate with those that vouch for it, and its key "
        "(in the same file, or --ssl-keyfile), opened by --ssl-keyfile-password where it is locked"
    )
