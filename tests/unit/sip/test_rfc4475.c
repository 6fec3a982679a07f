/*
 * The torture messages of RFC 4475, bit-exact from a folder of .dat files. What an element answers
 * to a request says little to one that only listens: it takes what can be matched, and records what
 * is wrong. It refuses where the identity or the framing of a message is in doubt.
 */
#include <dirent.h>

#include "sip_sample.h"

struct torture {
    const char *file;
    enum sip_refusal refusal;
    uint32_t defects; /* exactly these, of an accepted message */
    const char *reason;
};

static const struct torture table[] = {
    /* 3.1.1 Valid messages */
    {"wsinv", SIP_ACCEPTED, SIP_DEFECT_NO_BRANCH,
     "3.1.1.1: all elements should treat this as well-formed; the branch has no cookie"},
    {"intmeth", SIP_ACCEPTED, SIP_DEFECT_UNKNOWN_METHOD | SIP_DEFECT_NUL,
     "3.1.1.2: unusual characters, a quoted NUL included, in an unknown method's request"},
    {"esc01", SIP_ACCEPTED, 0, "3.1.1.3: escapes; a parser must accept this"},
    {"escnull", SIP_ACCEPTED, 0, "3.1.1.4: %00 is two digits behind a percent sign, no NUL"},
    {"esc02", SIP_ACCEPTED, SIP_DEFECT_UNKNOWN_METHOD,
     "3.1.1.5: % where it does not escape; RE%47IST%45R is no REGISTER"},
    {"lwsdisp", SIP_ACCEPTED, 0, "3.1.1.6: no LWS before <: should be accepted as well-formed"},
    {"longreq", SIP_ACCEPTED, SIP_DEFECT_NO_BRANCH,
     "3.1.1.7: long values; the top Via, of 34, has no branch"},
    {"dblreq", SIP_ACCEPTED, SIP_DEFECT_SURPLUS,
     "3.1.1.8: the octets after Content-Length are noise, also if they look like an INVITE"},
    {"semiuri", SIP_ACCEPTED, 0, "3.1.1.9: a ';' in the user part"},
    {"transports", SIP_ACCEPTED, 0, "3.1.1.10: any transport, known or not"},
    {"mpart01", SIP_ACCEPTED, 0, "3.1.1.11: NULs in the body are none in the header"},
    {"unreason", SIP_ACCEPTED, 0, "3.1.1.12: UTF-8 in the reason phrase"},
    {"noreason", SIP_ACCEPTED, 0, "3.1.1.13: an empty reason phrase"},
    /* 3.1.2 Invalid messages */
    {"badinv01", SIP_ACCEPTED, SIP_DEFECT_BAD_VALUE | SIP_DEFECT_NO_BRANCH,
     "3.1.2.1: 400; host and transport of the top Via can be read, so the 400 can be matched"},
    {"clerr", SIP_SHORT_BODY, 0, "3.1.2.2: 400 over UDP, as the datagram ends within the body"},
    {"ncl", SIP_BAD_CONTENT_LENGTH, 0, "3.1.2.3: a negative Content-Length, an error"},
    {"scalar02", SIP_BAD_CSEQ, 0, "3.1.2.4: 400 due to the CSeq"},
    {"scalarlg", SIP_BAD_CSEQ, 0, "3.1.2.5: a response with such a CSeq is discarded"},
    {"quotbal", SIP_ACCEPTED, SIP_DEFECT_UNTERMINATED_QUOTE,
     "3.1.2.6: 400, or the quote's end is inferred: here only one '<' can begin the URI"},
    {"ltgtruri", SIP_ACCEPTED, SIP_DEFECT_BAD_URI | SIP_DEFECT_NO_BRANCH,
     "3.1.2.7: 400, or the brackets are ignored; the Via has no branch"},
    {"lwsruri", SIP_ACCEPTED, SIP_DEFECT_BAD_URI,
     "3.1.2.8: 400, or the LWS in the URI is ignored: the transaction does not hang on it"},
    {"lwsstart", SIP_ACCEPTED, SIP_DEFECT_START_LINE_SPACING,
     "3.1.2.9: a liberal element ignores extra SP"},
    {"trws", SIP_ACCEPTED, SIP_DEFECT_START_LINE_SPACING,
     "3.1.2.10: a liberal element ignores SP at the end of the Request-Line"},
    {"escruri", SIP_ACCEPTED, SIP_DEFECT_BAD_URI,
     "3.1.2.11: 400, or the escaped headers are ignored"},
    {"baddate", SIP_ACCEPTED, 0, "3.1.2.12: ignored by an element that does not use the Date"},
    {"regbadct", SIP_ACCEPTED, SIP_DEFECT_BAD_VALUE,
     "3.1.2.13: 400, or the brackets around the Contact's URI are inferred"},
    {"badaspec", SIP_ACCEPTED, SIP_DEFECT_BAD_URI,
     "3.1.2.14: 400, or the spaces around the To's URI are ignored"},
    {"baddn", SIP_ACCEPTED, SIP_DEFECT_BAD_VALUE,
     "3.1.2.15: 400, or the missing quotes of the display names are inferred"},
    {"badvers", SIP_BAD_VERSION, 0, "3.1.2.16: 505; no rule of version 7.0 is known here"},
    {"mismatch01", SIP_CSEQ_MISMATCH, 0, "3.1.2.17: any element responds with 400"},
    {"mismatch02", SIP_CSEQ_MISMATCH, 0, "3.1.2.18: 501 or 400; the responses' method is in doubt"},
    {"bigcode", SIP_BAD_STATUS, 0, "3.1.2.19: simply dropped"},
    /* 3.2 Transaction layer */
    {"badbranch", SIP_ACCEPTED, SIP_DEFECT_NO_BRANCH,
     "3.2.1: the cookie without an identifier: 400, or matched by the rules of RFC 2543"},
    /* 3.3 Application layer */
    {"insuf", SIP_NO_CALL_ID, 0, "3.3.1: no Call-ID, From or To: 400"},
    {"unkscm", SIP_ACCEPTED, SIP_DEFECT_UNKNOWN_SCHEME, "3.3.2: must be accepted; answered 416"},
    {"novelsc", SIP_ACCEPTED, SIP_DEFECT_UNKNOWN_SCHEME, "3.3.3: must be accepted; soap.beep:"},
    {"unksm2", SIP_ACCEPTED, SIP_DEFECT_UNKNOWN_SCHEME, "3.3.4: isbn: and http: in To and From"},
    {"bext01", SIP_ACCEPTED, 0, "3.3.5: unknown extensions are required; answered 420"},
    {"invut", SIP_ACCEPTED, 0, "3.3.6: a body of unknown type"},
    {"regaut01", SIP_ACCEPTED, 0, "3.3.7: an unknown authorization scheme"},
    {"multi01", SIP_DUPLICATE_HEADER, 0, "3.3.8: two Call-IDs, CSeqs, Froms and Tos: 400"},
    {"mcl01", SIP_BAD_CONTENT_LENGTH, 0, "3.3.9: two Content-Lengths that differ: an error"},
    {"bcast", SIP_ACCEPTED, 0, "3.3.10: a broadcast address in the second Via is well-formed"},
    {"zeromf", SIP_ACCEPTED, 0, "3.3.11: Max-Forwards 0 is legal"},
    {"cparam01", SIP_ACCEPTED, 0, "3.3.12: an unknown parameter of the Contact"},
    {"cparam02", SIP_ACCEPTED, 0, "3.3.13: an unknown parameter of the Contact's URI"},
    {"regescrt", SIP_ACCEPTED, 0, "3.3.14: escaped headers in a bracketed Contact are allowed"},
    {"sdp01", SIP_ACCEPTED, 0, "3.3.15: an Accept that takes no SDP; answered 406 or 400"},
    /* 3.4 Backward compatibility */
    {"inv2543", SIP_ACCEPTED,
     SIP_DEFECT_NO_BRANCH | SIP_DEFECT_NO_CONTENT_LENGTH | SIP_DEFECT_NO_MAX_FORWARDS,
     "3.4.1: legal in RFC 2543: no branch, From tag, Content-Length or Max-Forwards"},
};
enum { TABLE_LEN = sizeof table / sizeof table[0] };

static const char *folder(void)
{
    static char path[1024];
    const char *shared = getenv("SIPSPAN_SHARED");
    snprintf(path, sizeof path, "%s/captures/torture/poroh+ersip",
             shared ? shared : TEST_SOURCE_DIR "/../../shared");
    return path;
}

static void skip_without_folder(void)
{
    DIR *dir = opendir(folder());
    if (!dir) {
        printf("SKIPPED: no RFC 4475 messages in %s; set SIPSPAN_SHARED to their folder\n",
               folder());
        skip();
    }
    closedir(dir);
}

/* The message of a row; NULL if its file is missing. */
static struct parsed *parse_file(const char *name)
{
    static char bytes[SIP_MESSAGE_MAX];
    char path[2048];
    snprintf(path, sizeof path, "%s/%s.dat", folder(), name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return parse_bytes(bytes, len, false);
}

static void every_message_has_its_verdict(void **state)
{
    (void)state;
    skip_without_folder();
    for (int i = 0; i < TABLE_LEN; i++) {
        struct parsed *p = parse_file(table[i].file);
        if (!p)
            fail_msg("%s.dat is in the table, not in %s", table[i].file, folder());
        assert_true(sip_msg_looks_like(slice_of(p->bytes, p->len)));
        assert_verdict(table[i].file, p, table[i].refusal, table[i].defects);
        parsed_free(p);
    }
}

static void every_file_has_a_row(void **state)
{
    (void)state;
    skip_without_folder();
    DIR *dir = opendir(folder());
    assert_non_null(dir);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct slice name = slice_str(entry->d_name);
        if (name.len < 5 || !slice_eq(slice_skip(name, name.len - 4), SLICE(".dat")))
            continue;
        bool found = false;
        for (int i = 0; i < TABLE_LEN; i++)
            found |= slice_eq(slice_head(name, name.len - 4), slice_str(table[i].file));
        if (!found)
            fail_msg("%s has no row in the table", entry->d_name);
        files++;
    }
    closedir(dir);
    assert_int_equal(files, TABLE_LEN);
}

static struct parsed *accepted_file(const char *name)
{
    skip_without_folder();
    struct parsed *p = parse_file(name);
    assert_non_null(p);
    assert_int_equal(p->refusal, SIP_ACCEPTED);
    return p;
}

static void the_tortuous_invite_is_read(void **state)
{
    (void)state;
    struct parsed *p = accepted_file("wsinv");
    assert_slice(p->msg.request_uri, "sip:vivekg@chair-dnrc.example.com;unknownparam");
    assert_slice(p->msg.to_uri, "sip:vivekg@chair-dnrc.example.com");
    assert_slice(p->msg.to_tag, "1918181833n");
    assert_slice(p->msg.from_uri, "sip:jdrosen@example.com");
    assert_slice(p->msg.from_tag, "98asjd8");
    assert_slice(p->msg.contact_uri, "sip:jdrosen@example.com");
    assert_slice(p->msg.top_via.transport, "UDP");
    assert_slice(p->msg.top_via.host, "192.0.2.2");
    assert_slice(p->msg.top_via.branch, "390skdjuw");
    assert_int_equal(p->msg.cseq, 9);
    assert_int_equal(p->msg.via_count, 3);
    assert_int_equal(sip_msg_sdp(&p->msg).len, 150);

    static const char *const hosts[] = {"192.0.2.2", "spindle.example.com", "192.168.255.111"};
    static const char *const branches[] = {"390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"};
    struct sip_via_iter iter = {0};
    struct sip_via via;
    for (int i = 0; i < 3; i++) {
        assert_true(sip_msg_next_via(&p->msg, &iter, &via));
        assert_slice(via.host, hosts[i]);
        assert_slice(via.branch, branches[i]);
    }
    assert_false(sip_msg_next_via(&p->msg, &iter, &via));
    parsed_free(p);
}

static void the_other_messages_are_read(void **state)
{
    (void)state;
    struct parsed *p = accepted_file("intmeth");
    assert_slice(p->msg.method_name, "!interesting-Method0123456789_*+`.%indeed'~");
    assert_slice(p->msg.from_tag, "_token~1'+`*%!-.");
    assert_slice(p->msg.from_uri, "sip:mundane@example.com");
    assert_slice(p->msg.to_uri, "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com");
    assert_slice(p->msg.call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
    parsed_free(p);

    p = accepted_file("longreq");
    assert_int_equal(p->msg.via_count, 34);
    parsed_free(p);

    p = accepted_file("dblreq");
    assert_int_equal(p->msg.method, SIP_REGISTER);
    assert_int_equal(p->msg.body.len, 0);
    parsed_free(p);

    p = accepted_file("baddn");
    assert_slice(p->msg.from_tag, "43");
    parsed_free(p);

    p = accepted_file("quotbal");
    assert_slice(p->msg.to_uri, "sip:j.user@example.com");
    parsed_free(p);

    p = accepted_file("ltgtruri");
    assert_slice(p->msg.request_uri, "sip:user@example.com");
    parsed_free(p);

    p = accepted_file("inv2543");
    assert_false(p->msg.has_from_tag);
    assert_slice(p->msg.from_uri, "sip:+13035551111@ift.client.example.net");
    assert_int_equal(sip_msg_sdp(&p->msg).len, p->msg.body.len);
    assert_true(p->msg.body.len > 0);
    parsed_free(p);

    p = accepted_file("regaut01");
    assert_true(p->msg.has_credentials);
    parsed_free(p);

    p = accepted_file("mpart01");
    assert_int_equal(p->msg.body.len, 553);
    assert_int_equal(sip_msg_sdp(&p->msg).len, 0);
    parsed_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_has_its_verdict),
        cmocka_unit_test(every_file_has_a_row),
        cmocka_unit_test(the_tortuous_invite_is_read),
        cmocka_unit_test(the_other_messages_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
