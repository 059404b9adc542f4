# A person with slixmpp: signs in, says what it hears as lines of JSON, does what lines of JSON on its input say.
import asyncio
import json
import sys

import slixmpp

jid, password, address, roots = sys.argv[1:5]


def tell(**facts):
    print(json.dumps(facts), flush=True)


class Person(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(jid, password)
        self.ca_certs = roots
        for plugin in ('xep_0030', 'xep_0199', 'xep_0198', 'xep_0203', 'xep_0280'):
            self.register_plugin(plugin)
        self.add_event_handler('session_start', self.begin)
        self.add_event_handler('message', self.heard)
        self.add_event_handler('carbon_sent', lambda m: tell(event='copy', body=m['carbon_sent']['body']))
        self.add_event_handler('failed_auth', lambda _: tell(event='failed'))

    async def begin(self, _):
        roster = await self.get_roster()
        await self['xep_0280'].enable()
        self.send_presence()
        tell(
            event='ready',
            jid=self.boundjid.full,
            mechanism=self['feature_mechanisms'].mech.name,
            contacts=len(roster['roster']['items']),
            tls=self.transport.get_extra_info('ssl_object').version(),
        )
        asyncio.ensure_future(self.obey())

    def heard(self, message):
        tell(event='message', sender=message['from'].bare, body=message['body'], delayed=bool(message.get_plugin('delay', check=True)))

    async def obey(self):
        reader = asyncio.StreamReader()
        await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            to, body = json.loads(line)
            self.send_message(mto=to, mbody=body, mtype='chat')
        self.disconnect()


person = Person()
person.connect((address, 5222))
person.process(forever=False)
