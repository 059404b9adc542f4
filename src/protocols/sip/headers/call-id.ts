// Call-ID. RFC 3261 §20.8: compared byte by byte.

const CALL_ID = /^[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]{1,512}(?:@[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]{1,512})?$/;

/** callid = word [ "@" word ], of bounded length. */
export function isCallId(value: string): boolean {
  return CALL_ID.test(value);
}
