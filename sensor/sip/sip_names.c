/* The names of sip_msg.h's enumerations. */
#include "sip/sip_msg.h"

static const char *const method_names[SIP_METHOD_COUNT] = {
    [SIP_INVITE] = "INVITE",       [SIP_ACK] = "ACK",         [SIP_BYE] = "BYE",
    [SIP_CANCEL] = "CANCEL",       [SIP_OPTIONS] = "OPTIONS", [SIP_REGISTER] = "REGISTER",
    [SIP_PRACK] = "PRACK",         [SIP_UPDATE] = "UPDATE",   [SIP_INFO] = "INFO",
    [SIP_SUBSCRIBE] = "SUBSCRIBE", [SIP_NOTIFY] = "NOTIFY",   [SIP_REFER] = "REFER",
    [SIP_MESSAGE] = "MESSAGE",     [SIP_PUBLISH] = "PUBLISH", [SIP_METHOD_OTHER] = "other",
};

static const char *const refusal_names[SIP_REFUSAL_COUNT] = {
    [SIP_ACCEPTED] = "accepted",
    [SIP_NOT_SIP] = "not_sip",
    [SIP_BAD_START_LINE] = "bad_start_line",
    [SIP_BAD_VERSION] = "bad_version",
    [SIP_BAD_STATUS] = "bad_status",
    [SIP_BAD_HEADER] = "bad_header",
    [SIP_NO_VIA] = "no_via",
    [SIP_BAD_VIA] = "bad_via",
    [SIP_NO_CALL_ID] = "no_call_id",
    [SIP_BAD_CALL_ID] = "bad_call_id",
    [SIP_NO_CSEQ] = "no_cseq",
    [SIP_BAD_CSEQ] = "bad_cseq",
    [SIP_CSEQ_MISMATCH] = "cseq_mismatch",
    [SIP_NO_FROM] = "no_from",
    [SIP_BAD_FROM] = "bad_from",
    [SIP_NO_TO] = "no_to",
    [SIP_BAD_TO] = "bad_to",
    [SIP_BAD_CONTENT_LENGTH] = "bad_content_length",
    [SIP_SHORT_BODY] = "short_body",
    [SIP_TOO_LARGE] = "too_large",
    [SIP_DUPLICATE_HEADER] = "duplicate_header",
};

/* By bit number. */
static const char *const defect_names[SIP_DEFECT_COUNT] = {
    "bare_lf",
    "leading_junk",
    "no_blank_line",
    "surplus",
    "no_content_length",
    "start_line_spacing",
    "no_max_forwards",
    "bad_uri",
    "unknown_scheme",
    "non_utf8",
    "nul",
    "bad_value",
    "no_branch",
    "unknown_method",
    "cut",
    "duplicate",
    "unterminated_quote",
    "truncated",
};

enum sip_method sip_method_from(struct slice name)
{
    for (int m = 0; m < SIP_METHOD_OTHER; m++) {
        const char *known = method_names[m];
        if (name.len > 0 && name.at[0] == known[0] && slice_eq(name, slice_str(known)))
            return (enum sip_method)m;
    }
    return SIP_METHOD_OTHER;
}

const char *sip_method_name(enum sip_method method)
{
    return (unsigned)method < SIP_METHOD_COUNT ? method_names[method] : "other";
}

const char *sip_refusal_name(enum sip_refusal refusal)
{
    return (unsigned)refusal < SIP_REFUSAL_COUNT ? refusal_names[refusal] : "unknown";
}

const char *sip_defect_name(enum sip_defect defect)
{
    for (int bit = 0; bit < SIP_DEFECT_COUNT; bit++)
        if ((unsigned)defect == 1u << bit)
            return defect_names[bit];
    return "unknown";
}
