#include "sip_sample.h"

#define SDP      "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define SDP_PART "Content-Type: application/sdp\r\n\r\n" SDP

static const struct {
    const char *lines, *body, *sdp;
} rows[] = {
    {"Content-Type: application/sdp\r\n", SDP, SDP},
    {"c:Application/SDP;charset=x\r\n", SDP, SDP},
    {"Content-Type: application / sdp\r\n", SDP, SDP},
    {"Content-Type:\r\n application/\r\n sdp\r\n", SDP, SDP},
    {"Content-Type: application/sdp\r\nContent-Encoding: identity\r\n", SDP, SDP},
    {"Content-Type: application/sdp\r\ne: gzip\r\n", SDP, ""},
    {"Content-Type: application/sdpx\r\n", SDP, ""},
    {"Content-Type: application\r\n", SDP, ""},
    {"Content-Type:\r\n", SDP, ""},
    {"", SDP, ""},
    {"Content-Type: application/sdp\r\n", "", ""},
    /* One part, the line end in front of the delimiter is the delimiter's. */
    {"Content-Type: multipart/mixed;boundary=b1\r\n", "--b1\r\n" SDP_PART "\r\n--b1--\r\n", SDP},
    {"Content-Type: multipart/alternative; x=y; BOUNDARY=\"b =1\"\r\n",
     "--b =1\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b =1\r\n" SDP_PART "\r\n--b =1--", SDP},
    {"c: Multipart/Mixed ; boundary = b1\r\n",
     "preamble --b1\r\n\r\n--b1  \r\nContent-Type : text/plain\r\n\r\nhi --b1\r\n--b12\r\n"
     "--b1\r\nX: y\r\nc:\r\n application/sdp\r\nContent-Disposition: session\r\n\r\n" SDP
     "\r\n--b1--\r\nepilogue",
     SDP},
    {"Content-Type: multipart/mixed;boundary=b1\r\n",
     "--b1\nContent-Type: application/sdp\n\nv=0\ns=-\n\n--b1--\n", "v=0\ns=-\n"},
    /* The first of two; without the last delimiter, up to the end. */
    {"Content-Type: multipart/mixed;boundary=b1\r\n",
     "--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1\r\n" SDP_PART, "v=0"},
    {"Content-Type: multipart/mixed;boundary=b1\r\n", "--b1\r\n" SDP_PART "x", SDP "x"},
    /* A multipart in a multipart, and one deeper, which is not looked into. */
    {"Content-Type: multipart/mixed;boundary=a\r\n",
     "--a\r\nContent-Type: multipart/alternative;boundary=b\r\n\r\n--b\r\n" SDP_PART
     "\r\n--b--\r\n--a--",
     SDP},
    {"Content-Type: multipart/mixed;boundary=a\r\n",
     "--a\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\n"
     "Content-Type: multipart/mixed;boundary=c\r\n\r\n--c\r\n" SDP_PART
     "\r\n--c--\r\n--b--\r\n--a--",
     ""},
    /* Encoded parts, parts behind the last delimiter, and multiparts that cannot be taken apart. */
    {"Content-Type: multipart/mixed;boundary=b1\r\n",
     "--b1\r\nContent-Transfer-Encoding: base64\r\n" SDP_PART "\r\n--b1--", ""},
    {"Content-Type: multipart/mixed;boundary=b1\r\n",
     "--b1\r\nContent-Transfer-Encoding: 8bit\r\n" SDP_PART "\r\n--b1--", SDP},
    {"Content-Type: multipart/mixed;boundary=b1\r\n",
     "--b1\r\nContent-Encoding: gzip\r\n" SDP_PART "\r\n--b1--", ""},
    {"Content-Type: multipart/mixed;boundary=b1\r\n", "--b1--\r\n--b1\r\n" SDP_PART, ""},
    {"Content-Type: multipart/mixed;boundary=b1\r\n", "--b1\r\n\r\n" SDP "--b1--", ""},
    {"Content-Type: multipart/mixed;boundary=b1\r\n", "--b1", ""},
    {"Content-Type: multipart/mixed;boundary=b1\r\n", "--b1\r\n", ""},
    {"Content-Type: multipart/mixed;boundary=b1\r\n", SDP, ""},
    {"Content-Type: multipart/mixed;boundary=\r\n", "--\r\n" SDP_PART "\r\n----", ""},
    {"Content-Type: multipart/mixed\r\n", "--b1\r\n" SDP_PART "\r\n--b1--", ""},
    {"Content-Type: multipart/signed;boundary=b1\r\n", "--b1\r\n" SDP_PART "\r\n--b1--", ""},
    {"Content-Type: multipart/mixed;boundary="
     "12345678901234567890123456789012345678901234567890123456789012345678901\r\n",
     "--12345678901234567890123456789012345678901234567890123456789012345678901\r\n" SDP_PART, ""},
};

static void session_descriptions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct parsed *p =
            parse_sample(REQUEST_LINE, "Content-Length", rows[i].lines, rows[i].body);
        assert_int_equal(p->refusal, SIP_ACCEPTED);
        struct slice sdp = sip_msg_sdp(&p->msg);
        if (!slice_eq(sdp, slice_str(rows[i].sdp)))
            fail_msg("row %zu, %s%s: \"%.*s\"", i, rows[i].lines, rows[i].body, SLICE_ARGS(sdp));
        parsed_free(p);
    }
}

/* All delimiters that begin and none that ends: the work must not grow with the square of the size.
 */
static void many_delimiters(void **state)
{
    (void)state;
    enum { REPEATS = 12000 };
    char *body = malloc(REPEATS * 5 + 1);
    assert_non_null(body);
    for (size_t i = 0; i < REPEATS; i++)
        memcpy(body + i * 5, "--a\r\n", 6);
    struct parsed *p = parse_sample(REQUEST_LINE, "Content-Length",
                                    "Content-Type: multipart/mixed;boundary=a\r\n", body);
    assert_int_equal(p->refusal, SIP_ACCEPTED);
    assert_int_equal(sip_msg_sdp(&p->msg).len, 0);
    parsed_free(p);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_descriptions),
        cmocka_unit_test(many_delimiters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
