/* What is made '*' in a message, and what is not: a table of both, and each of it cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sip/sip_redact.h"

#define HEAD "INVITE sip:bob@example.com SIP/2.0\r\nCall-ID: 1@192.0.2.1\r\n"
#define SDP  HEAD "Content-Type: application/sdp\r\n\r\nv=0\r\n"
#define INFO "INFO sip:bob@example.com SIP/2.0\r\nCSeq: 2 INFO\r\n"
#define PART "--b\r\nContent-Type: "

/* The same message before and after. */
static const struct {
    const char *before, *after;
} table[] = {
    /* RFC 4568 */
    {SDP "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n",
     SDP "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:****************************************\r\n"},
    {SDP "a=crypto:1 F8_128_HMAC_SHA1_80 inline:MTIz|2^20|1:4;inline:QUJj|2^20|2:4 FEC_ORDER=X\r\n",
     SDP
     "a=crypto:1 F8_128_HMAC_SHA1_80 inline:****|2^20|1:4;inline:****|2^20|2:4 FEC_ORDER=X\r\n"},
    {SDP "a=crypto:1 S inline:MTIz KDR=2 FEC_KEY=inline:QUJD|1:4;inline:eHl6\r\nt=0 0\r\n",
     SDP "a=crypto:1 S inline:**** KDR=2 FEC_KEY=inline:****|1:4;inline:****\r\nt=0 0\r\n"},
    {SDP "A=CRYPTO:1 S INLINE:MTIz\n a = crypto: 1  S  InLine:  QUJD|2^3\n",
     SDP "A=CRYPTO:1 S INLINE:****\n a = crypto: 1  S  InLine:  ****|2^3\n"},
    {SDP "a=crypto:1 S keywrap:MTIz|x;other:QUJD|y\r\n",
     SDP "a=crypto:1 S keywrap:****|x;other:****|y\r\n"},
    {SDP "a=crypto:1 inline:MTIz\r\na=cryptoscale:1 client S inline:QUJD|2^31|1:1\r\n",
     SDP "a=crypto:1 inline:****\r\na=cryptoscale:1 client S inline:****|2^31|1:1\r\n"},
    /* RFC 4567, RFC 4566, RFC 8839 */
    {SDP "a=key-mgmt:mikey AQAFgM0XflABAAAA\r\na=key-mgmt: mikey  A+/=\r\na=key-mgmt:QUJD\r\n",
     SDP "a=key-mgmt:mikey ****************\r\na=key-mgmt: mikey  ****\r\na=key-mgmt:****\r\n"},
    {SDP "k=clear:secret\r\nk=base64:c2Vj\r\nk=uri:https://example.com/\r\nk=prompt\r\nk=odd\r\n",
     SDP "k=clear:******\r\nk=base64:****\r\nk=uri:********************\r\nk=prompt\r\nk=***\r\n"},
    {SDP "a=ice-ufrag:abcd\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=fingerprint:sha-1 4A:AD\r\n",
     SDP "a=ice-ufrag:abcd\r\na=ice-pwd:**********************\r\na=fingerprint:sha-1 4A:AD\r\n"},
    /* what is no secret */
    {SDP "c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
     SDP "c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"},
    {HEAD "k: 100rel\r\nContent-Disposition: inline\r\nc: text/plain\r\n\r\n12345\r\n",
     HEAD "k: 100rel\r\nContent-Disposition: inline\r\nc: text/plain\r\n\r\n12345\r\n"},
    /* digits */
    {INFO "Content-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n",
     INFO "Content-Type: application/dtmf-relay\r\n\r\nSignal=*\r\nDuration=160\r\n"},
    {INFO "c:application/DTMF-Relay;x=y\n\nSignal= 12#\nDuration = 160\n",
     INFO "c:application/DTMF-Relay;x=y\n\nSignal=****\nDuration = 160\n"},
    {INFO "Content-Type: application/dtmf\r\n\r\n42*#",
     INFO "Content-Type: application/dtmf\r\n\r\n****"},
    {INFO "Content-Type:\r\n application/dtmf\r\n\r\n7\r\n",
     INFO "Content-Type:\r\n application/dtmf\r\n\r\n*\r\n"},
    {INFO "Content-Type: audio/telephone-event\r\n\r\n9",
     INFO "Content-Type: audio/telephone-event\r\n\r\n*"},
    {INFO "Content-Type: application/vnd.nortelnetworks.digits\r\n\r\np=Digits\r\nd=1234\r\n",
     INFO "Content-Type: application/vnd.nortelnetworks.digits\r\n\r\n********\r\n******\r\n"},
    {INFO "\r\nSignal=1\r\nSignal : 1\r\n", INFO "\r\nSignal=*\r\nSignal : 1\r\n"},
    {INFO "Content-Type: application/kpml-response+xml\r\n\r\n<kpml-response code=\"200\" "
          "digits='12'\r\n"
          " digits = \"3456\"/>",
     INFO "Content-Type: application/kpml-response+xml\r\n\r\n<kpml-response code=\"200\" "
          "digits='**'\r\n"
          " digits = \"****\"/>"},
    /* credentials */
    {HEAD "Authorization: Digest username=\"bob\", nonce=\"abc\", response=\"6629fae4\", "
          "opaque=\"\"\r\n\r\n",
     HEAD "Authorization: Digest username=\"bob\", nonce=\"abc\", response=\"********\", "
          "opaque=\"\"\r\n\r\n"},
    {HEAD "PROXY-AUTHORIZATION : digest\r\n response = 66ae ,\r\n\tusername=\"a,b\"\r\n\r\n",
     HEAD "PROXY-AUTHORIZATION : digest\r\n response = **** ,\r\n\tusername=\"a,b\"\r\n\r\n"},
    {HEAD "Authorization: Digest username=\"bob\" response=\"66\\\"29\" nc=1\n\n",
     HEAD "Authorization: Digest username=\"bob\" response=\"******\" nc=1\n\n"},
    {HEAD "Authorization: Basic Ym9iOnNlY3JldA==\r\nX: y\r\n\r\n",
     HEAD "Authorization: Basic ****************\r\nX: y\r\n\r\n"},
    {HEAD "Authorization: Digest realm=\"x\", Bearer eyJ.abc, Digest realm=\"y\", "
          "response=\"1\"\r\n\r\n",
     HEAD "Authorization: Digest realm=\"x\", Bearer *******, Digest realm=\"y\", "
          "response=\"*\"\r\n\r\n"},
    {HEAD "Authorization: NTLM qop=\"a\", gssapi-data=\"TlRM\"\r\n\r\n",
     HEAD "Authorization: NTLM *******, ******************\r\n\r\n"},
    {HEAD "Authorization: Ym9iOnNlY3JldA==\r\n\r\n",
     HEAD "Authorization: ****************\r\n\r\n"},
    {HEAD "Authentication-Info: qop=auth, rspauth=\"6629\", nextnonce=\"47\"\r\n\r\n",
     HEAD "Authentication-Info: qop=auth, rspauth=\"****\", nextnonce=\"47\"\r\n\r\n"},
    {HEAD "WWW-Authenticate: Digest nonce=\"abc\"\r\nX-Authorization: Basic QQ==\r\n\r\n",
     HEAD "WWW-Authenticate: Digest nonce=\"abc\"\r\nX-Authorization: Basic QQ==\r\n\r\n"},
    /* parts, also within parts */
    {INFO "Content-Type: multipart/mixed;boundary=b\r\n\r\n" PART
          "application/dtmf\r\n\r\n12\r\n" PART "text/plain\r\n\r\n12\r\n" PART
          "application/sdp\r\n\r\nk=clear:x\r\n--b--\r\n",
     INFO "Content-Type: multipart/mixed;boundary=b\r\n\r\n" PART
          "application/dtmf\r\n\r\n**\r\n" PART "text/plain\r\n\r\n12\r\n" PART
          "application/sdp\r\n\r\nk=clear:*\r\n--b--\r\n"},
    {INFO "c: multipart/mixed;boundary=b\n\n" PART
          "multipart/related;boundary=c\n\n--c\nc:x/dtmf\n\n1\n--c--\n",
     INFO "c: multipart/mixed;boundary=b\n\n" PART
          "multipart/related;boundary=c\n\n--c\nc:x/dtmf\n\n*\n--c--\n"},
    {INFO "c: multipart/mixed;boundary=b\r\n\r\n" PART
          "application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\ndj0w\r\nDQo=\r\n" PART
          "x/y\r\n\r\nz\r\n",
     INFO "c: multipart/mixed;boundary=b\r\n\r\n" PART
          "application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\n****\r\n****\r\n" PART
          "x/y\r\n\r\nz\r\n"},
    {HEAD "e: gzip\r\nc: multipart/mixed\r\n\r\n\37\213\r\n--x\r\n\r\nxyz",
     HEAD "e: gzip\r\nc: multipart/mixed\r\n\r\n**\r\n***\r\n\r\n***"},
    {HEAD "Content-Encoding: identity\r\nContent-Transfer-Encoding: binary\r\n\r\nhello",
     HEAD "Content-Encoding: identity\r\nContent-Transfer-Encoding: binary\r\n\r\nhello"},
    /* digits in XML */
    {INFO "Content-Type: application/mediaservercontrol+xml\r\n\r\n<response id=\"1\" "
          "digits=\"987654\" reason=\"match\" maxdigits=\"6\"/>",
     INFO "Content-Type: application/mediaservercontrol+xml\r\n\r\n<response id=\"1\" "
          "digits=\"******\" reason=\"match\" maxdigits=\"6\"/>"},
    {INFO "c: application/mediaservercontrol+xml\r\n\r\n<keypress m:digit\r\n=\r\n'4' length='1'/>",
     INFO
     "c: application/mediaservercontrol+xml\r\n\r\n<keypress m:digit\r\n=\r\n'*' length='1'/>"},
    {INFO "c: application/msml+xml\r\n\r\n<name>a</name><value>1</value><m:name>\r\ndtmf.digits"
          "</m:name>\r\n<m:value x='y'>98\r\n76</m:value><name>b</name><value>2</value>",
     INFO "c: application/msml+xml\r\n\r\n<name>a</name><value>1</value><m:name>\r\ndtmf.digits"
          "</m:name>\r\n<m:value x='y'>******</m:value><name>b</name><value>2</value>"},
    {INFO "c: application/msml+xml\n\n<name>dtmf.digits</name><value/><value>1</value><digits>2",
     INFO "c: application/msml+xml\n\n<name>dtmf.digits</name><value/><value>*</value><digits>*"},
    {INFO
     "c: application/kpml-response+xml\r\n\r\n<kpml-response\r\n digits=\r\n\"12\" tag=\"x\"/>",
     INFO
     "c: application/kpml-response+xml\r\n\r\n<kpml-response\r\n digits=\r\n\"**\" tag=\"x\"/>"},
    {INFO
     "c: application/kpml-response+xml\r\n\r\n<kpml-response digits=\"98\r\n7654\" tag=\"x\"/>",
     INFO "c: application/kpml-response+xml\r\n\r\n<kpml-response digits=\"********\" tag=\"x\"/>"},
    {INFO "Info-Package: dtmf\r\nc: text/plain\r\n\r\n12",
     INFO "Info-Package: dtmf\r\nc: text/plain\r\n\r\n**"},
    {INFO "c: x/y+xml\r\n\r\n<r digits=\r\na=key-mgmt:mikey QQ==\r\n/>",
     INFO "c: x/y+xml\r\n\r\n<r digits=\r\n*********************\r\n/>"},
    /* a message in a message */
    {INFO "c: multipart/mixed;boundary=b\r\n\r\n" PART
          "message/sip\r\n\r\nREGISTER sip:x SIP/2.0\r\nAuthorization: Digest response=\"ab\"\r\n"
          "Authorization: Basic c2Vj\r\nc: application/dtmf\r\n\r\n5\r\n--b--\r\n",
     INFO "c: multipart/mixed;boundary=b\r\n\r\n" PART
          "message/sip\r\n\r\nREGISTER sip:x SIP/2.0\r\nAuthorization: Digest response=\"**\"\r\n"
          "Authorization: Basic ****\r\nc: application/dtmf\r\n\r\n*\r\n--b--\r\n"},
    {INFO "c: message/sipfrag;version=2.0\r\n\r\n\r\nc: message/sip\r\n\r\nINVITE sip:x SIP/2.0\r\n"
          "Proxy-Authorization: Digest response=ab\r\n",
     INFO "c: message/sipfrag;version=2.0\r\n\r\n\r\nc: message/sip\r\n\r\nINVITE sip:x SIP/2.0\r\n"
          "Proxy-Authorization: Digest response=**\r\n"},
    {INFO "c: message/cpim\r\n\r\nFrom: <sip:a@b>\r\n\r\nContent-type: x/dtmf\r\n\r\n12",
     INFO "c: message/cpim\r\n\r\nFrom: <sip:a@b>\r\n\r\nContent-type: x/dtmf\r\n\r\n**"},
    {INFO "c: message/sip\r\ne: gzip\r\n\r\nX: y\r\n",
     INFO "c: message/sip\r\ne: gzip\r\n\r\n****\r\n"},
    /* only the boundary ends a part */
    {INFO "c: multipart/mixed; x=\";boundary=no\" ; Boundary = \"b \"\r\n\r\n--b \r\n"
          "c: x/dtmf\r\n\r\n--\r\n\r\n98\r\n--b\r\n\r\n7\r\n--b --\r\nc: 1\r\n",
     INFO "c: multipart/mixed; x=\";boundary=no\" ; Boundary = \"b \"\r\n\r\n--b \r\n"
          "c: x/dtmf\r\n\r\n**\r\n\r\n**\r\n***\r\n\r\n*\r\n--b --\r\nc: 1\r\n"},
    {INFO "c: multipart/mixed;boundary=b\r\n\r\n" PART
          "x/y\r\nContent-Transfer-Encoding: base64\r\n\r\n--x\r\n\r\nOTg3\r\n--bb\r\n\r\nOTg3\r\n"
          "--b\t\r\n\r\nplain\r\n",
     INFO "c: multipart/mixed;boundary=b\r\n\r\n" PART
          "x/y\r\nContent-Transfer-Encoding: base64\r\n\r\n***\r\n\r\n****\r\n****\r\n\r\n****\r\n"
          "--b\t\r\n\r\nplain\r\n"},
    {INFO "c: multipart/mixed;boundary=b\r\n\r\n" PART "multipart/mixed;boundary=c\r\n\r\n--c\r\n"
          "c: x/dtmf\r\n\r\n1\r\n" PART "text/plain\r\n\r\n--c\r\n\r\n2\r\n--b--\r\n",
     INFO "c: multipart/mixed;boundary=b\r\n\r\n" PART "multipart/mixed;boundary=c\r\n\r\n--c\r\n"
          "c: x/dtmf\r\n\r\n*\r\n" PART "text/plain\r\n\r\n--c\r\n\r\n2\r\n--b--\r\n"},
    /* without a boundary, or with another than is used: what was seen once holds */
    {INFO "c: multipart/mixed\r\n\r\n--x\r\nAuthorization: Basic QQ==\r\nc: x/dtmf\r\n\r\n1\r\n"
          "--x\r\n\r\n2\r\n",
     INFO "c: multipart/mixed\r\n\r\n--x\r\nAuthorization: Basic ****\r\n*********\r\n\r\n*\r\n"
          "***\r\n\r\n*\r\n"},
    {INFO "c: multipart/mixed;boundary=b\r\n\r\n--x\r\nc: x/y+xml\r\n\r\n<a digits=\"\r\n1\"/>\r\n",
     INFO "c: multipart/mixed;boundary=b\r\n\r\n--x\r\nc: x/y+xml\r\n\r\n<a digits=\"***\"/>\r\n"},
    /* SDP as a string of something else */
    {INFO "c: application/json\r\n\r\n{\"sdp\":\"v=0\\r\\na=ice-pwd:SECRET\\r\\na=crypto:1 X "
          "inline:a\\/b\\u002bc|2\\r\\nk=clear:x\\na=key-mgmt:mikey QQ==\",\"x\":1}",
     INFO "c: application/json\r\n\r\n{\"sdp\":\"v=0\\r\\na=ice-pwd:******\\r\\na=crypto:1 X "
          "inline:***********|2\\r\\nk=clear:*\\na=key-mgmt:mikey ****\",\"x\":1}"},
    {INFO "c: application/json\r\n\r\n[\"k\\u003dclear:x\\\\r\\\\na=crypto:1 X wrap:K\\u000d\\u000a"
          "a\\u003dice-pwd:P\"]",
     INFO "c: application/json\r\n\r\n[\"k\\u003dclear:*\\\\r\\\\na=crypto:1 X wrap:*\\u000d\\u000a"
          "a\\u003dice-pwd:*\"]"},
    {INFO "c: text/xml\r\n\r\n<sdp>k=clear:x</sdp><sdp>x a=ice-pwd:y</sdp>",
     INFO "c: text/xml\r\n\r\n<sdp>k=clear:*</sdp><sdp>x a=ice-pwd:*</sdp>"},
    {HEAD "[\"v=0\\nk=clear:x\\n\"]\r\n", HEAD "[\"v=0\\nk=clear:*\\n\"]\r\n"},
    /* passwords in URIs, and what is none */
    {"INVITE sip:alice:passw0rd@example.com SIP/2.0\r\nf: <SIPS:alice:12345@[2001:db8::1]:5061>\r\n"
     "Refer-To: \"a:b@c\" <sip:a:p@q@192.0.2.1;x=y@z>\r\n\r\nTo: sip:a:b@c\r\n",
     "INVITE sip:alice:********@example.com SIP/2.0\r\nf: <SIPS:alice:*****@[2001:db8::1]:5061>\r\n"
     "Refer-To: \"a:b@c\" <sip:a:***@192.0.2.1;x=y@z>\r\n\r\nTo: sip:a:*@c\r\n"},
    {HEAD "Route: <sip:192.0.2.1:5060;lr>,<sip:[2001:db8::1]:5060;x=a@b>,<sip:a:1;2@c>\r\n"
          "m: sip:192.0.2.1:5060,sip:bob:pw@192.0.2.2:5060,sip:bob@192.0.2.3:5060\r\n\r\n",
     HEAD "Route: <sip:192.0.2.1:5060;lr>,<sip:[2001:db8::1]:5060;x=a@b>,<sip:a:1;2@c>\r\n"
          "m: sip:192.0.2.1:5060,sip:bob:**@192.0.2.2:5060,sip:bob@192.0.2.3:5060\r\n\r\n"},
    {HEAD "m: <sip:example.com:5060?Replaces=a@b>, sip:a:b;c@d\r\nx: sip:alice:pass",
     HEAD "m: <sip:example.com:5060?Replaces=a@b>, sip:a:***@d\r\nx: sip:alice:****"},
    /* odd shapes */
    {"\r\n\r\n" SDP "k=clear:x", "\r\n\r\n" SDP "k=clear:*"},
    {"INVITE sip:a SIP/2.0\rc: application/sdp\r\rk=clear:x\ra=ice-pwd:y\r",
     "INVITE sip:a SIP/2.0\rc: application/sdp\r\rk=clear:*\ra=ice-pwd:*\r"},
    {HEAD "v=0\r\nk=clear:x\r\na=crypto:1 S inline:MTIz",
     HEAD "v=0\r\nk=clear:*\r\na=crypto:1 S inline:****"},
    {"", ""},
    {"\r\n", "\r\n"},
};
enum { CASES = sizeof table / sizeof table[0] };

/* In a buffer of exactly its size. */
static char *redacted(const char *message, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, message, len);
    sip_redact(copy, len);
    return copy;
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        size_t len = strlen(table[i].before);
        assert_int_equal(len, strlen(table[i].after)); /* else the table is wrong */
        char *copy = redacted(table[i].before, len);
        if (memcmp(copy, table[i].after, len) != 0)
            fail_msg("case %zu:\n%.*s\nshould be\n%s", i, (int)len, copy, table[i].after);
        char *again = redacted(copy, len); /* nothing is left to do */
        assert_memory_equal(copy, again, len);
        free(again);
        free(copy);
    }
}

/* Cut at any octet, nothing comes out that would not come out of the whole, but for a line of which
 * too little is there to tell what it is. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        size_t len = strlen(table[i].before);
        for (size_t cut = 0; cut < len; cut++) {
            char *copy = redacted(table[i].before, cut);
            size_t line = cut;
            while (line > 0 && copy[line - 1] != '\n')
                line--;
            for (size_t at = 0; at < line; at++)
                if (table[i].after[at] == '*' && copy[at] != '*')
                    fail_msg("case %zu cut at %zu:\n%.*s", i, cut, (int)cut, copy);
            for (size_t at = 0; at < cut; at++)
                assert_true(copy[at] == '*' || copy[at] == table[i].before[at]);
            free(copy);
        }
    }
}

/* A key that was cut is a key still. */
static void test_cut_in_key(void **state)
{
    static const char message[] = SDP "a=crypto:1 S inline:MTIz";
    (void)state;
    for (size_t left = 0; left < 4; left++) {
        char *copy = redacted(message, sizeof message - 1 - left);
        for (size_t at = sizeof message - 1 - 4; at < sizeof message - 1 - left; at++)
            assert_int_equal(copy[at], '*');
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_in_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
