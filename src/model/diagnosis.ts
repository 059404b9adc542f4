// What exactly is wrong between us and a partner, where one ReasonCode has several causes with different remedies. The edge and
// the shores say it where they know it; texts, next steps and the sentence for the partner stand in ops/diagnoses.ts.

/** Finer than a ReasonCode; `AREA_WHAT`, stable, never shown to peers. */
export type FinerCode =
  // DNS
  | 'DNS_SRV_NONE'
  | 'DNS_SRV_NOT_OFFERED'
  | 'DNS_SRV_CNAME'
  | 'DNS_SRV_NO_ADDRESS'
  | 'DNS_SRV_PRIVATE'
  | 'XMPPS_ON_STARTTLS_PORT'
  | 'OUR_SRV_NONE'
  | 'OUR_SRV_ELSEWHERE'
  // what answers
  | 'WRONG_SERVICE_HTTP'
  | 'WRONG_SERVICE'
  | 'TLS_NOT_SPOKEN'
  | 'TLS_VERSION'
  | 'TLS_NO_SHARED_CIPHER'
  | 'TLS_NAME_UNKNOWN'
  | 'TLS_CLOSED'
  | 'TLS_SILENT'
  | 'SILENT_AFTER_TLS'
  // our certificate, as the partner judges it
  | 'OUR_CERT_PURPOSE_REFUSED'
  | 'OUR_CERT_UNTRUSTED'
  | 'OUR_CERT_EXPIRED'
  | 'OUR_CERT_REVOKED'
  | 'OUR_CERT_REFUSED'
  | 'OUR_CERT_NOT_SHOWN'
  // their certificate
  | 'CERT_PEER_WILDCARD'
  | 'CERT_PEER_CN_ONLY'
  // XMPP
  | 'XMPP_STARTTLS_NOT_OFFERED'
  | 'XMPP_EXTERNAL_NOT_OFFERED'
  | 'XMPP_NOT_AUTHORIZED'
  | 'XMPP_HOST_UNKNOWN'
  | 'XMPP_POLICY_VIOLATION'
  | 'XMPP_REMOTE_CONNECTION_FAILED'
  | 'XMPP_DIALBACK_FALSE'
  | 'XMPP_DIALBACK_UNANSWERED'
  // SIP
  | 'SIP_403_FORBIDDEN'
  | 'SIP_404_NOT_FOUND'
  | 'SIP_481_NO_DIALOG'
  | 'SIP_482_LOOP'
  | 'SIP_483_TOO_MANY_HOPS'
  | 'SIP_488_NOT_ACCEPTABLE'
  | 'SIP_503_UNAVAILABLE'
  | 'SIP_504_TIMEOUT'
  | 'SIP_ERROR'
  // both ways together
  | 'ONE_WAY_OUT_ONLY'
  | 'ONE_WAY_IN_ONLY';
