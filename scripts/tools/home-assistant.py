"""What Home Assistant makes of what is on a broker: its own MQTT integration, in a home of its own.

home-assistant.py PORT USER PASSWORD: listens until entities are there and have states, and prints them as JSON,
{entity id: {state, attributes}}.
"""

import asyncio
import json
import sys
import tempfile

from homeassistant import auth, bootstrap, config_entries, core, loader
from homeassistant.helpers import entity

# A busy machine needs a while.
PATIENCE_S = 120
# Entities come one by one: these seconds without another one are the end.
QUIET_S = 5


async def entry_of(port, user, password):
    """The integration's entry, as its dialogue writes it, in any version of Home Assistant."""
    import inspect

    wanted = {
        "version": 1,
        "minor_version": 1,
        "domain": "mqtt",
        "title": "broker",
        "data": {"broker": "127.0.0.1", "port": port, "username": user, "password": password},
        "source": "user",
        "options": {},
        "unique_id": None,
        "discovery_keys": {},
        "subentries_data": None,
    }
    known = inspect.signature(config_entries.ConfigEntry.__init__).parameters
    return config_entries.ConfigEntry(**{k: v for k, v in wanted.items() if k in known})


async def main(port, user, password):
    folder = tempfile.mkdtemp()
    # Looked for, and empty.
    open(f"{folder}/configuration.yaml", "w", encoding="utf-8").close()
    hass = core.HomeAssistant(folder) if core.HomeAssistant.__init__.__code__.co_argcount > 1 else core.HomeAssistant()
    hass.config.config_dir = folder
    # What the integration needs is installed: nothing is fetched.
    hass.config.skip_pip = True
    entity.async_setup(hass)
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth.auth_manager_from_config(hass, [], [])
    await hass.config_entries.async_add(await entry_of(port, user, password))
    hass.set_state(core.CoreState.running) if hasattr(hass, "set_state") else None

    def states():
        found = (s for s in hass.states.async_all() if s.domain in ("sensor", "binary_sensor"))
        return {s.entity_id: {"state": s.state, "attributes": dict(s.attributes)} for s in found}

    last, since = {}, 0
    for _ in range(PATIENCE_S):
        await asyncio.sleep(1)
        now = states()
        told = any(s["state"] not in ("unknown", "unavailable") for s in now.values())
        since = since + 1 if told and now.keys() == last.keys() else 0
        last = now
        if since >= QUIET_S:
            break
    print(json.dumps(last, default=str))
    await hass.async_stop(force=True)


asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
