# A person with slixmpp who shares a file: finds the service, asks for a place, puts the file (XEP-0363), and says where it is.
# What its HTTP believes is said by SSL_CERT_FILE.
import asyncio
import json
import sys

import slixmpp

jid, password, address, roots, path = sys.argv[1:6]


class Sharer(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(jid, password)
        self.ca_certs = roots
        for plugin in ('xep_0030', 'xep_0128', 'xep_0363'):
            self.register_plugin(plugin)
        self.add_event_handler('session_start', self.begin)

    async def begin(self, _):
        try:
            # Its own search fails since Python 3.11 (asyncio.wait takes no coroutines there), so the domain is asked here.
            service = self['xep_0363']
            found = await self['xep_0030'].get_info(jid=self.boundjid.domain)
            form = found['disco_info'].xml.find('{jabber:x:data}x')
            values = {field.get('var'): field[0].text for field in form}
            if 'urn:xmpp:http:upload:0' in found['disco_info']['features']:
                service.upload_service = self.boundjid.domain
                service.max_file_size = int(values['max-file-size'])
            url = await service.upload_file(path, timeout=10)
            print(json.dumps(dict(event='shared', url=str(url), service=str(service.upload_service), limit=str(service.max_file_size))), flush=True)
        except Exception as error:
            print(json.dumps(dict(event='failed', why=repr(error))), flush=True)
        await self.disconnect()
        asyncio.get_event_loop().stop()


sharer = Sharer()
sharer.connect((address, 5222))
asyncio.get_event_loop().run_forever()
