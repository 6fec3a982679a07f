/*
 * sip_redact: makes a copy of a SIP message presentable: what nobody outside may see becomes '*',
 * octet for octet, so that lengths stay true.
 *
 * - Keys of media in SDP: of a=crypto and wherever "inline:" is (RFC 4568), not what follows the
 *   key; a=key-mgmt (RFC 4567); k= (RFC 4566 section 5.12); a=ice-pwd (RFC 8839). A fingerprint is
 *   no secret and stays.
 *   Also where the SDP is a string of something else (JSON), its line ends escaped.
 * - Digits that a user dialled: bodies whose type names dtmf, digits or telephone-event, or under
 *   Info-Package: dtmf; lines "Signal="; in XML the digits of KPML, MSCML, MSML (RFC 4730, 5022,
 *   5707). How long a key was pressed stays.
 * - What proves who somebody is: the response of Digest (and rspauth, the server's), all that
 *   follows another scheme, in Authorization, Proxy-Authorization and their -Info; the password in
 *   a SIP URI (RFC 3261 section 19.1.1), wherever it is.
 * - Bodies that are encoded (gzip, base64, quoted-printable), all of them: nobody looked into them.
 *
 * A message that is a body (message/sip, message/sipfrag) is treated as one. Only the boundary ends
 * a part; in a multipart whose boundary is not known, what a header said once holds to the end.
 *
 * It goes by lines, but for XML, and does not ask whether the message is well-formed: compact
 * names, folded headers, LF or CR alone, a message that was cut, parts within parts. Pure; never
 * beyond what it is given.
 */
#ifndef SIPSPAN_SIP_SIP_REDACT_H
#define SIPSPAN_SIP_SIP_REDACT_H

#include <stddef.h>

void sip_redact(char *message, size_t len);

#endif
