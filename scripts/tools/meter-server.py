"""A Modbus server (pymodbus) for the tests of agent/adapters/home-devices: TCP on a port, or RTU on a serial port.

Prints its port (0 on a serial line), then takes a JSON object a line on standard input:
  {"bank": "holding" | "input" | "coils", "at": 40000, "values": [1, 2]}   sets registers or coils
  {"show": "coils" | "holding", "at": 7}                                   prints one
  {"watch": "coils" | "holding", "at": 7, "seconds": 3, "then": 0}         sets it when nobody has written it for so long
and ends with the input. Registers that were never set are refused, as a device does.
"""
import asyncio
import json
import sys
import time

from pymodbus import FramerType
from pymodbus.datastore import ModbusDeviceContext, ModbusServerContext, ModbusSparseDataBlock
from pymodbus.server import ModbusSerialServer, ModbusTcpServer


class Block(ModbusSparseDataBlock):
    """Registers or coils, and when each was written last."""

    def __init__(self, values):
        self.written = {}
        super().__init__(values)

    def setValues(self, address, values, *more):
        super().setValues(address, values, *more)
        self.written[address] = time.monotonic()


async def watch(block, at, seconds, then):
    """The dead man's switch of a device."""
    while True:
        await asyncio.sleep(0.05)
        if time.monotonic() - block.written.get(at, 0) > seconds:
            block.setValues(at, [then])


async def main():
    # A context counts from 1.
    banks = {name: Block({65000: [0]}) for name in ("holding", "input", "coils")}
    device = ModbusDeviceContext(co=banks["coils"], di=banks["coils"], hr=banks["holding"], ir=banks["input"])
    context = ModbusServerContext(devices=device, single=True)
    if sys.argv[1].startswith("/"):
        server = ModbusSerialServer(context, framer=FramerType.RTU, port=sys.argv[1], baudrate=9600)
        await server.listen()
        print(0, flush=True)
    else:
        server = ModbusTcpServer(context, address=("127.0.0.1", int(sys.argv[1])))
        await server.listen()
        print(server.transport.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    watching = []
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        if "show" in asked:
            print(json.dumps(banks[asked["show"]].getValues(asked["at"] + 1, 1)), flush=True)
        elif "watch" in asked:
            block = banks[asked["watch"]]
            watching.append(loop.create_task(watch(block, asked["at"] + 1, asked["seconds"], asked["then"])))
            print("set", flush=True)
        else:
            banks[asked["bank"]].setValues(asked["at"] + 1, asked["values"])
            print("set", flush=True)


asyncio.run(main())
