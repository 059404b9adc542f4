# A mail server (aiosmtpd) that takes nothing without STARTTLS and a password, and writes each mail into a file of a folder.
#   mail-server.py ADDRESS PORT CERTIFICATE KEY USER PASSWORD FOLDER

import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

ADDRESS, PORT, CERTIFICATE, KEY, USER, PASSWORD, FOLDER = sys.argv[1:8]


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=good)


class Folder:
    count = len([name for name in os.listdir(FOLDER) if name.endswith(".eml")])

    async def handle_DATA(self, server, session, envelope):
        Folder.count += 1
        path = os.path.join(FOLDER, f"{Folder.count:06d}.eml")
        with open(path + ".new", "wb") as file:
            file.write(f"X-Envelope: {envelope.mail_from} {' '.join(envelope.rcpt_tos)}\r\n".encode())
            file.write(envelope.content)
        os.rename(path + ".new", path)
        return "250 taken"


async def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE, KEY)

    def protocol():
        return SMTP(
            Folder(),
            tls_context=context,
            require_starttls=True,
            authenticator=authenticate,
            auth_required=True,
            auth_require_tls=True,
            hostname="mail.test",
        )

    server = await asyncio.get_running_loop().create_server(protocol, ADDRESS, int(PORT))
    print("listening", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
