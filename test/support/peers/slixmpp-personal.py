# Three people with slixmpp: pictures, cards, bookmarks, private elements and the search for people. Prints what came of it as JSON.

import asyncio
import base64
import hashlib
import json
import sys
import xml.etree.ElementTree as ET

import slixmpp
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0048.stanza import Bookmarks

SERVER, ROOTS, NORA, OMAR, LI = sys.argv[1:6]
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
HASH = hashlib.sha1(PNG).hexdigest()
DEVICES = "eu.siacs.conversations.axolotl.devicelist"
PLUGINS = ("xep_0030", "xep_0004", "xep_0060", "xep_0115", "xep_0163", "xep_0084", "xep_0054", "xep_0153", "xep_0048", "xep_0049", "xep_0055", "xep_0172")


class Person(slixmpp.ClientXMPP):
    def __init__(self, user, password, resource="desk"):
        # It binds SCRAM to tls-unique, which TLS 1.3 does not have, and gives up over it.
        super().__init__(f"{user}@people.example/{resource}", password, sasl_mech="PLAIN")
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.ca_certs = ROOTS
        self.there = asyncio.get_event_loop().create_future()
        self.metadata, self.nicks, self.hashes, self.subscribed = asyncio.Queue(), asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("avatar_metadata_publish", lambda m: self.metadata.put_nowait([m["from"].bare, m["pubsub_event"]["items"]["item"]["id"]]))
        self.add_event_handler("user_nick_publish", lambda m: self.nicks.put_nowait([m["from"].bare, m["pubsub_event"]["items"]["item"]["nick"]["nick"]]))
        self.add_event_handler("vcard_avatar_update", lambda p: self.hashes.put_nowait([p["from"].bare, p["vcard_temp_update"]["photo"]]))
        self.add_event_handler("presence_subscribed", self.subscribed.put_nowait)
        self.connect((SERVER, 5222))

    async def begin(self, _):
        await self.get_roster()
        await self["xep_0115"].update_caps(broadcast=False)
        self.send_presence()
        self.there.set_result(True)

    async def hash_of(self, who, value):
        while await asyncio.wait_for(self.hashes.get(), 10) != [who, value]:
            pass
        return value


async def refused(work):
    try:
        await work
        return "answered"
    except IqError as error:
        return error.iq["error"]["condition"]


async def photo_of(person, jid):
    card = (await person["xep_0054"].get_vcard(jid))["vcard_temp"]
    return [card["FN"], hashlib.sha1(card["PHOTO"]["BINVAL"]).hexdigest() if card["PHOTO"]["BINVAL"] else ""]


async def search(person, **fields):
    info = await person["xep_0030"].get_items(jid="people.example")
    [directory] = [jid for jid, _, _ in info["disco_items"]["items"] if jid.startswith("directory.")]
    identities = (await person["xep_0030"].get_info(jid=directory))["disco_info"]["identities"]
    iq = person["xep_0055"].make_search_iq(ito=directory)
    for name, value in fields.items():
        iq["search"]["form"].add_field(var=name, value=value)
    answer = await iq.send()
    found = sorted(item.find("{jabber:x:data}field[@var='jid']/{jabber:x:data}value").text for item in answer["search"]["form"].xml.findall("{jabber:x:data}item"))
    return [sorted(f"{category}/{kind}" for category, kind, _, _ in identities), found]


async def main():
    nora, omar, li = Person("nora", NORA), Person("omar", OMAR), Person("li", LI)
    people = [nora, omar, li]
    await asyncio.gather(*(one.there for one in people))
    told = {}
    omar.send_presence_subscription("nora@people.example", ptype="subscribe")
    await asyncio.wait_for(omar.subscribed.get(), 10)
    # Clients of slixmpp grant and ask back by themselves.

    await nora["xep_0084"].publish_avatar(PNG)
    await nora["xep_0084"].publish_avatar_metadata({"id": HASH, "type": "image/png", "bytes": len(PNG)})
    told["told"] = await asyncio.wait_for(omar.metadata.get(), 10)
    told["own"] = await asyncio.wait_for(nora.metadata.get(), 10)
    data = await omar["xep_0084"].retrieve_avatar("nora@people.example", HASH)
    told["data"] = hashlib.sha1(data["pubsub"]["items"]["item"]["avatar_data"]["value"]).hexdigest()
    told["hash"] = await omar.hash_of("nora@people.example", HASH)
    told["card"] = await photo_of(omar, "nora@people.example")

    second = Person("omar", OMAR, "phone")
    people.append(second)
    await second.there
    told["late"] = await asyncio.wait_for(second.metadata.get(), 10)

    await omar["xep_0153"].set_avatar(avatar=PNG, mtype="image/png")
    told["converted"] = await asyncio.wait_for(nora.metadata.get(), 10)

    await nora["xep_0172"].publish_nick("Norrie")
    told["nick"] = await asyncio.wait_for(omar.nicks.get(), 10)
    told["stranger"] = await refused(li["xep_0060"].get_items("nora@people.example", "http://jabber.org/protocol/nick"))

    def options(model):
        form = nora["xep_0004"].make_form(ftype="submit")
        form.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#publish-options")
        form.add_field(var="pubsub#access_model", value=model)
        return form

    devices = ET.fromstring("<list xmlns='eu.siacs.conversations.axolotl'><device id='7'/></list>")
    await nora["xep_0060"].publish(None, DEVICES, id="current", payload=devices, options=options("open"))
    told["devices"] = len(list((await li["xep_0060"].get_items("nora@people.example", DEVICES))["pubsub"]["items"]))
    told["precondition"] = await refused(nora["xep_0060"].publish(None, DEVICES, id="current", payload=devices, options=options("presence")))

    bookmarks = Bookmarks()
    bookmarks.add_conference("room@rooms.example", "nora", name="The room", autojoin=True)
    await nora["xep_0048"].set_bookmarks(bookmarks, method="xep_0049")
    items = await nora["xep_0060"].get_items("nora@people.example", "urn:xmpp:bookmarks:1")
    told["bookmarks"] = [[item["id"], item["payload"].get("autojoin")] for item in items["pubsub"]["items"]]
    stored = await nora["xep_0048"].get_bookmarks(method="xep_0049")
    told["rooms"] = [room["jid"] for room in stored["private"]["bookmarks"]["conferences"]]

    told["search"] = await search(li, search="nora")
    told["everybody"] = await refused(search(li, search="*"))
    features = (await nora["xep_0030"].get_info(jid="nora@people.example"))["disco_info"]
    told["account"] = ["pubsub/pep" in [f"{c}/{t}" for c, t, _, _ in features["identities"]], "urn:xmpp:pep-vcard-conversion:0" in features["features"]]
    print(json.dumps(told))
    for one in people:
        await one.disconnect()


asyncio.get_event_loop().run_until_complete(asyncio.wait_for(main(), 40))
