// Certificates, rules and limits that change or bite while messages flow; short versions.

import { survives } from './short.ts';

survives('F9', 'a new certificate is used without dropping a session or failing a handshake');
survives('F10', "a partner's certificate that runs out holds the queue and names the reason");
survives('F12', 'a partner that takes a message a second does not hold up another');
survives('bound', 'who writes more than may wait is told so');
survives('F13', 'a flood is cut to the limit exactly, and the sender is told');
survives('F14', 'reloads drop nothing, and broken ones change nothing');
