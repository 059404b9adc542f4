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
        for plugin in (
            'xep_0004', 'xep_0030', 'xep_0050', 'xep_0059', 'xep_0085', 'xep_0184', 'xep_0191', 'xep_0198', 'xep_0199', 'xep_0203', 'xep_0280', 'xep_0313', 'xep_0359',
        ):
            self.register_plugin(plugin)
        self.auto_authorize = None
        self.auto_subscribe = False
        self.add_event_handler('session_start', self.begin)
        self.add_event_handler('session_resumed', lambda _: tell(event='resumed'))
        self.add_event_handler('message', self.heard)
        self.add_event_handler('message_error', lambda m: tell(event='refused', sender=m['from'].bare, condition=m['error']['condition'], text=m['error']['text']))
        self.add_event_handler('carbon_sent', lambda m: tell(event='copy', body=m['carbon_sent']['body'], to=m['carbon_sent']['to'].bare))
        self.add_event_handler('carbon_received', lambda m: tell(event='copyOfReceived', body=m['carbon_received']['body']))
        self.add_event_handler('receipt_received', lambda m: tell(event='receipt', sender=m['from'].bare, id=m['receipt']))
        self.add_event_handler('chatstate', lambda m: tell(event='typing', sender=m['from'].bare, state=m['chat_state']))
        self.add_event_handler('failed_auth', lambda _: tell(event='failed'))
        self.add_event_handler('disconnected', lambda _: tell(event='disconnected'))
        shows = ('available', 'away', 'dnd', 'xa', 'chat', 'unavailable')
        for kind in (*shows, 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'error'):
            self.add_event_handler('presence_' + kind, self.saw)

    async def begin(self, _):
        roster = await self.get_roster()
        await self['xep_0280'].enable()
        # A server shows a client to itself: from then on it is given what is said.
        here = asyncio.get_running_loop().create_future()
        self.add_event_handler('presence_available', lambda p: here.done() or p['from'] != self.boundjid or here.set_result(True))
        self.send_presence()
        await asyncio.wait_for(here, 15)
        tell(
            event='ready',
            jid=self.boundjid.full,
            mechanism=self['feature_mechanisms'].mech.name,
            contacts=len(roster['roster']['items']),
            tls=self.transport.get_extra_info('ssl_object').version(),
        )
        self.obeying = asyncio.ensure_future(self.obey())  # the loop alone would let it go

    def heard(self, message):
        if message['type'] == 'error' or not message['body']:
            return
        tell(
            event='message',
            sender=message['from'].bare,
            body=message['body'],
            delayed=bool(message.get_plugin('delay', check=True)),
        )

    def saw(self, presence):
        if presence['from'].bare == self.boundjid.bare:
            return
        about = dict(sender=presence['from'].bare, kind=presence['type'], status=presence['status'])
        if presence['type'] == 'error':
            about.update(condition=presence['error']['condition'], text=presence['error']['text'])
        tell(event='presence', **about)

    async def obey(self):
        reader = asyncio.StreamReader()
        await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            what, *values = json.loads(line)
            await getattr(self, 'do_' + what)(*values)
        await self.disconnect()
        asyncio.get_event_loop().stop()

    async def do_say(self, to, body, receipt):
        message = self.make_message(mto=to, mbody=body, mtype='chat')
        message['id'] = self.new_id()
        message['request_receipt'] = receipt
        message.send()
        if receipt:
            tell(event='sent', id=message['id'])

    async def do_type(self, to, state):
        message = self.make_message(mto=to, mtype='chat')
        message['chat_state'] = state
        message.send()

    async def do_presence(self, kind, to, show, status):
        self.send_presence(ptype=kind or None, pto=to or None, pshow=show or None, pstatus=status or None)

    async def do_block(self, who):
        await self['xep_0191'].block(who)
        tell(event='blocked')

    async def do_unblock(self, who):
        await self['xep_0191'].unblock(who)
        tell(event='unblocked')

    async def do_commands(self):
        found = await self['xep_0050'].get_commands(jid=self.boundjid.bare)
        tell(event='commands', names={node: name for _, node, name in found['disco_items']['items']})

    async def do_command(self, node, values):
        # Asks for the form, fills it in, and tells the end of it.
        asked = await self['xep_0050'].send_command(self.boundjid.bare, node)
        form = self['xep_0004'].make_form(ftype='submit')
        for name, value in values.items():
            form.add_field(var=name, value=value)
        done = await self['xep_0050'].send_command(
            self.boundjid.bare, node, action='complete', payload=form, sessionid=asked['command']['sessionid']
        )
        shown = done['command'].xml.find('{jabber:x:data}x')
        fields = {} if shown is None else {
            field.get('var'): '\n'.join(value.text or '' for value in field.findall('{jabber:x:data}value'))
            for field in shown.findall('{jabber:x:data}field')
        }
        notes = [text for _, text in done['command']['notes']]
        tell(event='command', status=done['command']['status'], words=notes, fields=fields)

    async def do_blocked(self):
        found = (await self['xep_0191'].get_blocked())['blocklist']['items']
        tell(event='blocklist', found=sorted(str(one) for one in found))

    async def do_contact(self, who, name, groups):
        await self.update_roster(who, name=name, groups=groups)

    async def do_roster(self):
        await self.get_roster()  # or nothing, when this is what it has
        mine = [self.client_roster[jid] for jid in self.client_roster.keys() if jid != self.boundjid.bare]
        found = [[one.jid, one['name'], sorted(one['groups']), one['subscription']] for one in mine if one['subscription'] != 'remove']
        tell(event='roster', found=sorted(found))

    async def do_cut(self):
        # As when the network goes: no farewell of any kind.
        self.transport.abort()

    async def do_connect(self):
        self.connect((address, 5222))

    async def do_archive(self, peer, after):
        found = []
        rsm = {'max': 5, 'after': after} if after else {'max': 5}
        async for result in self['xep_0313'].iterate(with_jid=slixmpp.JID(peer), rsm=rsm):
            found.append([result['mam_result']['id'], result['mam_result']['forwarded']['stanza']['body']])
        tell(event='archive', found=found)


person = Person()
person.connect((address, 5222))
asyncio.get_event_loop().run_forever()
