"""Who may talk to the scheduler and the workers of a campaign: they run what they are sent, as the user.

Processes of this machine listen on the loopback interface alone, where other users of the machine can still connect.
Dask's own credentials (TLS, with a key and a certificate made for one campaign) keep these out, and everybody else
where a queue spreads workers over machines.
"""

from __future__ import annotations

import ipaddress
import warnings
from typing import Any
from urllib.parse import urlsplit

from weakfield.base.errors import BadInput
from weakfield.config.campaign import CampaignSettings

LOOPBACK = "127.0.0.1"


def local_credentials() -> Any:
    """Credentials for processes of this machine, or ``None`` without the package that makes them."""
    try:
        return _credentials()
    except ImportError:
        return None


def queue_credentials(settings: CampaignSettings) -> Any:
    """Credentials for the jobs of a queue; ``None``, with a warning, where ``campaign.encrypted`` is false.

    Raises ``BadInput`` where the package that makes them is not installed.
    """
    if not settings.encrypted:
        warnings.warn(
            "campaign.encrypted is false: whoever reaches a port of the scheduler or of a worker can run code as you",
            stacklevel=2,
        )
        return None
    try:
        return _credentials()
    except ImportError as error:
        raise BadInput(
            f"cluster is '{settings.cluster}' but cryptography is not installed, expected pip install"
            " 'weakfield[campaign]', or campaign.encrypted = false within a network that you trust"
        ) from error


def warn_of_open_scheduler(address: str) -> None:
    """Warn of a scheduler of the user's own that is reached without TLS, unless it is on this machine."""
    parts = urlsplit(address)
    if parts.scheme in ("tls", "wss", "inproc", "ucxx") or _is_loopback(parts.hostname or ""):
        return
    warnings.warn(
        f"scheduler {address} asks nobody who they are: whoever reaches it can run code as its workers do; expected"
        " tls:// outside a network that you trust ('weakfield docs campaigns')",
        stacklevel=2,
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _credentials() -> Any:
    """A key and a certificate made now, in memory, which all who take part in one campaign share."""
    from distributed.security import Security

    return Security.temporary()  # type: ignore[no-untyped-call, unused-ignore]
