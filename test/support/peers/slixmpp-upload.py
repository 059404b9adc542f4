# A person with slixmpp who shares a file: finds the service, asks for a place, puts the file (XEP-0363), and says where it is.
import asyncio
import json
import ssl
import sys

import aiohttp
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
            service = await self['xep_0363'].find_upload_service()
            found = dict(service=str(service['from']), limit=str(self['xep_0363'].max_file_size))
            url = await self['xep_0363'].upload_file(path, timeout=10)
            print(json.dumps(dict(event='shared', url=str(url), **found)), flush=True)
        except Exception as error:
            print(json.dumps(dict(event='failed', why=repr(error))), flush=True)
        await self.disconnect()
        asyncio.get_event_loop().stop()


# Its plugin makes its own session, which believes the authorities of the machine alone.
trusting = ssl.create_default_context(cafile=roots)
session = aiohttp.ClientSession
slixmpp.plugins.xep_0363.http_upload.ClientSession = lambda **more: session(connector=aiohttp.TCPConnector(ssl=trusting), **more)

sharer = Sharer()
sharer.connect((address, 5222))
asyncio.get_event_loop().run_forever()
