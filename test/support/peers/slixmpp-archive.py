# Two people with slixmpp: `talk` says what is to be said, `read` pages through both archives (XEP-0313) and prints them as JSON.

import asyncio
import json
import sys

import slixmpp

WHAT, SERVER, ROOTS, NORA, OMAR = sys.argv[1:6]


class Person(slixmpp.ClientXMPP):
    def __init__(self, user, password):
        # It binds SCRAM to tls-unique, which TLS 1.3 does not have, and gives up over it.
        super().__init__(f"{user}@people.example/desk", password, sasl_mech="PLAIN")
        for plugin in ("xep_0030", "xep_0059", "xep_0313", "xep_0359"):
            self.register_plugin(plugin)
        self.ca_certs = ROOTS
        self.there = asyncio.get_event_loop().create_future()
        self.heard = asyncio.Queue()
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("message", self.heard.put_nowait)
        self.connect((SERVER, 5222))

    async def begin(self, _):
        self.send_presence()
        await self.get_roster()
        self.there.set_result(True)


async def read(person, **options):
    found = []
    async for result in person["xep_0313"].iterate(**options):
        found.append([result["mam_result"]["id"], result["mam_result"]["forwarded"]["stanza"]["body"]])
    return found


async def main():
    nora, omar = Person("nora", NORA), Person("omar", OMAR)
    await asyncio.gather(nora.there, omar.there)
    if WHAT == "talk":
        ids = []
        for i in range(7):
            nora.send_message("omar@people.example", f"to omar {i}", mtype="chat")
            ids.append((await omar.heard.get())["stanza_id"]["id"])
            omar.send_message("nora@people.example", f"to nora {i}", mtype="chat")
            ids.append((await nora.heard.get())["stanza_id"]["id"])
        print(json.dumps(ids))
    else:
        forward = await read(nora, rsm={"max": 4})
        back = await read(omar, rsm={"max": 5}, with_jid=slixmpp.JID("nora@people.example"), reverse=True)
        print(json.dumps([forward, back]))
    for one in (nora, omar):
        await one.disconnect()


asyncio.get_event_loop().run_until_complete(asyncio.wait_for(main(), 30))
