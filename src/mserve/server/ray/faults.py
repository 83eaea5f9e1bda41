"""What of Ray's own errors a client is told. A program's errors come as words, and are none of these."""

import logging

from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, RequestCancelledError

from mserve.errors import ClientError

log = logging.getLogger("mserve")


def told(error: Exception, program: str) -> ClientError | None:
    """Give what a client hears of an error of Ray's; None where it is no such error."""
    match error:
        case BackPressureError():
            text = f"The program {program} is busy, and too many wait for it: try again later."
            return ClientError(text, 429, "overloaded")
        case DeploymentUnavailableError():
            return ClientError(f"The program {program} is not there: it failed to start.", 503, "unavailable")
        case RayActorError() | RequestCancelledError():
            log.warning("a replica of program %s died with a run on it: %s", program, error)
            return ClientError(f"The replica that ran {program} died before the answer was whole.", 503, "replica_died")
        case _:
            return None
