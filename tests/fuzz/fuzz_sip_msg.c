/* Any octets as a SIP message: it is parsed, cut or not, and all that can be asked of it is asked.
 */
#include <stdint.h>
#include <stdlib.h>

#include "sip/sip_msg.h"
#include "sip/sip_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_inside(struct slice s, struct slice whole)
{
    if (s.len > 0)
        require(s.at >= whole.at && s.len <= whole.len &&
                (size_t)(s.at - whole.at) <= whole.len - s.len);
}

static void check_uri(struct slice text)
{
    struct sip_uri uri;
    bool read = sip_uri_parse(text, &uri);
    require_inside(uri.scheme, text);
    require_inside(uri.user, text);
    require_inside(uri.host, text);
    require_inside(uri.plain, text);
    require_inside(sip_uri_plain(text), text);
    require(!read || uri.scheme.len > 0);
    require(!read || !sip_uri_scheme_is_known(&uri) || uri.host.len + uri.user.len > 0);
}

static void check_name_addr(struct slice value)
{
    struct sip_name_addr address;
    struct slice tag = SLICE_NONE;
    if (!sip_name_addr_parse(value, &address))
        return;
    require(address.uri.len > 0);
    require_inside(address.display_name, value);
    require_inside(address.uri, value);
    require_inside(address.params, value);
    if (sip_param(address.params, SLICE("tag"), &tag))
        require_inside(tag, address.params);
    check_uri(address.uri);
}

static void check_vias(const struct sip_msg *msg, struct slice datagram)
{
    struct sip_via_iter iter = {0};
    struct sip_via via;
    unsigned count = 0;
    while (sip_msg_next_via(msg, &iter, &via)) {
        require_inside(via.transport, datagram);
        require_inside(via.host, datagram);
        require_inside(via.branch, datagram);
        require_inside(via.received, datagram);
        require(via.host.len > 0 && via.transport.len > 0);
        require(!via.has_cookie || via.branch.len > 7);
        require(via.rport == 0 || via.has_rport);
        if (count++ == 0)
            require(slice_eq(via.host, msg->top_via.host) && via.port == msg->top_via.port &&
                    slice_eq(via.branch, msg->top_via.branch));
    }
    require(count == msg->via_count && count > 0 && count <= SIP_VIAS_MAX);
}

static void check_headers(const struct sip_msg *msg, struct slice datagram)
{
    require(msg->header_count <= SIP_HEADERS_MAX);
    for (unsigned i = 0; i < msg->header_count; i++) {
        const struct sip_header *header = &msg->header[i];
        require_inside(header->name, datagram);
        require_inside(header->value, datagram);
        require(header->name.len > 0 && (unsigned)header->id < SIP_HEADER_ID_COUNT);
        if (header->id == SIP_HEADER_CONTACT || header->id == SIP_HEADER_ROUTE)
            check_name_addr(header->value);
    }
}

static void check_accepted(const struct sip_msg *msg, struct slice datagram)
{
    const struct slice views[] = {
        msg->method_name, msg->request_uri, msg->reason,       msg->call_id,  msg->from,
        msg->to,          msg->from_uri,    msg->to_uri,       msg->from_tag, msg->to_tag,
        msg->contact_uri, msg->user_agent,  msg->content_type, msg->body,
    };
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        require_inside(views[i], datagram);
    require(sip_msg_looks_like(datagram));
    require(msg->is_request ? msg->request_uri.len > 0 : msg->status >= 100 && msg->status <= 699);
    require(msg->method_name.len > 0 && msg->call_id.len > 0 && msg->cseq <= 0x7fffffff);
    require((unsigned)msg->method < SIP_METHOD_COUNT);
    require(msg->has_from_tag == (msg->from_tag.len > 0));
    require(msg->has_to_tag == (msg->to_tag.len > 0));
    require(!msg->has_content_length || msg->body.len <= msg->content_length);
    require((msg->defects >> SIP_DEFECT_COUNT) == 0);
    check_headers(msg, datagram);
    check_vias(msg, datagram);
    check_name_addr(msg->from);
    check_name_addr(msg->to);
    check_uri(msg->request_uri);
    require_inside(sip_msg_sdp(msg), msg->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sip_msg msg;
    struct slice datagram = slice_of((const char *)data, size);
    for (int cut = 0; cut < 2; cut++) {
        enum sip_refusal refusal = sip_msg_parse(datagram, cut, &msg);
        require((unsigned)refusal < SIP_REFUSAL_COUNT);
        require(refusal != SIP_SHORT_BODY || (msg.defects & SIP_DEFECT_TRUNCATED && !cut));
        if (refusal == SIP_ACCEPTED || refusal == SIP_SHORT_BODY)
            check_accepted(&msg, datagram);
        else if (refusal == SIP_NOT_SIP)
            require(!sip_msg_looks_like(datagram));
    }
    return 0;
}
