// Networks, names and partners that fail; short versions.

import { survives } from './short.ts';

survives('F2', 'what is written to a partner that is down arrives when it is back');
survives('F5', 'a connection to an XMPP partner that leads nowhere is noticed, and what was written to it arrives on another');
survives('F5sip', 'a connection to a SIP system that leads nowhere is noticed, and what was written to it arrives on another');
survives('F6', 'connections that are reset in the middle of messages lose, double and garble nothing');
survives('F8', 'DNS that fails in five ways loses nothing and tears no stream');
