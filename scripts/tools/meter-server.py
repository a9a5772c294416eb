"""A Modbus TCP server (pymodbus) for the tests of agent/adapters/home-devices.

Prints its port, then takes a JSON object a line on standard input:
  {"bank": "holding" | "input" | "coils", "at": 40000, "values": [1, 2]}   sets registers or coils
  {"show": "coils" | "holding", "at": 7}                                   prints one
and ends with the input. Registers that were never set are refused, as a device does.
"""
import asyncio
import json
import sys

from pymodbus.datastore import ModbusDeviceContext, ModbusServerContext, ModbusSparseDataBlock
from pymodbus.server import ModbusTcpServer


async def main():
    # A context counts from 1.
    banks = {name: ModbusSparseDataBlock({65000: [0]}) for name in ("holding", "input", "coils")}
    device = ModbusDeviceContext(co=banks["coils"], di=banks["coils"], hr=banks["holding"], ir=banks["input"])
    server = ModbusTcpServer(ModbusServerContext(devices=device, single=True), address=("127.0.0.1", int(sys.argv[1])))
    await server.listen()
    print(server.transport.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        if "show" in asked:
            print(json.dumps(banks[asked["show"]].getValues(asked["at"] + 1, 1)), flush=True)
        else:
            banks[asked["bank"]].setValues(asked["at"] + 1, asked["values"])
            print("set", flush=True)


asyncio.run(main())
