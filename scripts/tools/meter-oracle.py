"""What other people's parsers make of a meter's bytes: JSON lines of Wh and W, for comparison.

usage: meter-oracle.py p1 SPECIFICATION | sml | han   (bytes on standard input)
       meter-oracle.py pushes COUNT KEY AUTHENTICATION_KEY   (makes encrypted pushes, one a line, in hexadecimal,
       behind the import, export and power that they hold)
"""
import json
import random
import sys
from decimal import Decimal
from math import floor


def told(import_wh, export_wh, power_w, time=None):
    print(json.dumps({"import_wh": import_wh, "export_wh": export_wh, "power_w": power_w, "time": time}))


def p1(specification):
    from dsmr_parser import telegram_specifications
    from dsmr_parser.parsers import TelegramParser

    text = sys.stdin.buffer.read().decode("ascii")
    parser = TelegramParser(getattr(telegram_specifications, specification))
    telegram = parser.parse(text)
    def wh(total, tariffs):
        values = [getattr(telegram, n, None) for n in [total]] if hasattr(telegram, total) else [
            getattr(telegram, n, None) for n in tariffs]
        values = [v.value for v in values if v is not None]
        return floor(sum(values) * 1000) if values else None

    power = [getattr(telegram, n, None) for n in ("CURRENT_ELECTRICITY_USAGE", "CURRENT_ELECTRICITY_DELIVERY")]
    power = [(v.value if v is not None else Decimal(0)) * 1000 for v in power]
    stamp = getattr(telegram, "P1_MESSAGE_TIMESTAMP", None)
    told(
        wh("ELECTRICITY_IMPORTED_TOTAL", [f"ELECTRICITY_USED_TARIFF_{n}" for n in (1, 2)]),
        wh("ELECTRICITY_EXPORTED_TOTAL", [f"ELECTRICITY_DELIVERED_TARIFF_{n}" for n in (1, 2)]),
        int(power[0] - power[1]),
        int(stamp.value.timestamp()) if stamp is not None else None,
    )


def sml():
    from smllib import SmlStreamReader

    reader = SmlStreamReader()
    reader.add(sys.stdin.buffer.read())
    while True:
        frame = reader.get_frame()
        if frame is None:
            return
        try:
            messages = frame.parse_frame()
        except ValueError as why:
            print(json.dumps({"unread": str(why)}))
            continue
        for message in messages:
            values = {}
            for entry in getattr(message.message_body, "val_list", []):
                if isinstance(entry.value, int) and entry.unit in (27, 30):
                    scale = Decimal(10) ** (entry.scaler or 0)
                    values[entry.obis[4:10]] = entry.value * scale
            if not values:
                continue

            def total(code):
                if f"{code}0800" in values:
                    return floor(values[f"{code}0800"])
                tariffs = [v for k, v in values.items() if k.startswith(f"{code}08")]
                return floor(sum(tariffs)) if tariffs else None

            power = values.get("100700")
            if power is None:
                power = next((v for k, v in values.items() if k.startswith("0107")), None)
            half = Decimal("0.5")
            power = None if power is None else int(power + (half if power >= 0 else -half))
            told(total("01"), total("02"), power)


def han():
    from han.autodecoder import AutoDecoder
    from han.hdlc import HdlcFrameReader

    reader = HdlcFrameReader(use_octet_stuffing=False, use_abort_sequence=False)
    for frame in reader.read(sys.stdin.buffer.read()):
        if not frame.is_valid:
            continue
        found = AutoDecoder().decode_message(frame)
        if found is None:
            print(json.dumps({"unread": frame.as_bytes.hex()}))
            continue
        power = found.get("active_power_import")
        if power is not None:
            power -= found.get("active_power_export", 0)
        told(found.get("active_power_import_total"), found.get("active_power_export_total"), power)


def pushes(count, key, authentication_key):
    from dlms_cosem.security import SecurityControlField, encrypt

    chance = random.Random(20_26)
    for counter in range(1, int(count) + 1):
        wanted = chance.randrange(2**31), chance.randrange(2**31), chance.randrange(10**5)
        body = bytes.fromhex("0f 00000000 00 02 03".replace(" ", ""))
        for code, kind, unit, value in ((1, 8, 30, wanted[0]), (2, 8, 30, wanted[1]), (1, 7, 27, wanted[2])):
            body += bytes([2, 3, 9, 6, 1, 0, code, kind, 0, 255, 6]) + value.to_bytes(4, "big")
            body += bytes([2, 2, 0x0F, 0, 0x16, unit])
        title = b"ABC" + counter.to_bytes(5, "big")
        control = SecurityControlField(security_suite=0, authenticated=True, encrypted=True)
        secret = encrypt(
            security_control=control,
            system_title=title,
            invocation_counter=counter,
            key=bytes.fromhex(key),
            plain_text=body,
            auth_key=bytes.fromhex(authentication_key),
        )
        rest = control.to_bytes() + counter.to_bytes(4, "big") + secret
        apdu = b"\xdb\x08" + title + b"\x81" + bytes([len(rest)]) + rest
        print(*wanted, apdu.hex())


if __name__ == "__main__":
    {"p1": p1, "sml": sml, "han": han, "pushes": pushes}[sys.argv[1]](*sys.argv[2:])
