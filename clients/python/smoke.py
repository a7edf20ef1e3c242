"""Says whether the installed package is whole; needs no billing-svc, and nothing but the package."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from importlib.util import find_spec
from pathlib import Path

import kopilka
import kopilka.billing.v1


async def smoke() -> None:
    """Opens and closes a client, which calls nobody."""
    async with kopilka.BillingClient("http://127.0.0.1:1", "a token") as client:
        for stubs in (client.billing, client.payments, client.promotions, client.events, client.admin):
            assert stubs is not None


package = Path(kopilka.__file__).parent
assert "site-packages" in package.parts, f"not installed: {package}"
assert find_spec("aiogram") is None, "an extra came without being asked for"
assert (package / "py.typed").exists(), "the types are not marked as such"
for module in pkgutil.iter_modules(kopilka.billing.v1.__path__):
    importlib.import_module(f"kopilka.billing.v1.{module.name}")
    assert (package / "billing" / "v1" / f"{module.name}.pyi").exists(), f"{module.name} has no types"
asyncio.run(smoke())
print(f"kopilka is whole with {len(kopilka.__all__)} names")
