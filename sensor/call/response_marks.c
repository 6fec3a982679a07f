#include "call/response_marks.h"

#include "sip/sip_uri.h"

/*
 * Does the server have to say where the request came from? Where rport was asked for and it gave
 * the port, always (RFC 3581 section 4); else where sent-by does not say it (RFC 3261
 * section 18.2.1).
 */
static bool is_received_due(const struct transaction *t, const struct sip_msg *msg,
                            bool has_own_via)
{
    struct ip_addr sent_by;
    if (t->asked_rport && msg->top_via.rport != 0)
        return true;
    return has_own_via && !(ip_parse(msg->top_via.host, &sent_by) && ip_eq(&sent_by, &t->src.ip));
}

static void mark_via(const struct transaction *t, const struct sip_msg *msg, bool has_own_via,
                     struct response_facts *facts)
{
    if (t->asked_rport && msg->top_via.rport == 0)
        facts->marks |= RESPONSE_NO_RPORT;
    if (msg->top_via.received.len == 0 && is_received_due(t, msg, has_own_via))
        facts->marks |= RESPONSE_NO_RECEIVED;
}

/*
 * Of who takes the call; a redirection names others. A proxy that stays on the way has the Contact
 * of who is behind it, and says so (Record-Route).
 */
static bool is_contact_its_own(const struct sip_msg *msg)
{
    return msg->status > 100 && msg->status < 300 && msg->via_count == 1 &&
           sip_msg_header(msg, SIP_HEADER_RECORD_ROUTE).len == 0;
}

static void mark_contact(const struct datagram *datagram, const struct sip_msg *msg,
                         struct response_facts *facts)
{
    struct sip_uri contact;
    struct ip_addr ip;
    if (facts->marks & RESPONSE_CONTACT || !is_contact_its_own(msg) ||
        !sip_uri_parse(msg->contact_uri, &contact) || !ip_parse(contact.host, &ip) ||
        ip_eq(&ip, &datagram->src.ip))
        return;
    facts->marks |= RESPONSE_CONTACT;
    facts->contact = (struct endpoint){ip, contact.port};
}

void response_marks_read(const struct transaction *t, const struct datagram *datagram,
                         const struct sip_msg *msg, bool has_own_via, struct response_facts *facts)
{
    if (!transport_is_reliable(t->transport))
        mark_via(t, msg, has_own_via, facts);
    mark_contact(datagram, msg, facts);
}
