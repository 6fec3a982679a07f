#include "pipeline/report_sections.h"

#include <inttypes.h>

#include "pipeline/report_page.h"

enum {
    INDENT = 4,
    PORTS_INDENT = 15,
    PORTS_SHOWN = 8,
    FAILING_SHOWN = 10,
    CALLERS_SHOWN = 5,
    LINE_MAX_OCTETS = 800
};

#define DISORDER_DOUBTED_NS INT64_C(1000000) /* more than a switch's ports mix up */

#define grouped report_page_count
#define plural  report_page_plural

void report_figures_read(const struct pipeline *pipeline, struct report_figures *figures)
{
    *figures = (struct report_figures){0};
    if (pipeline->defrag)
        defrag_stats(pipeline->defrag, &figures->defrag);
    if (pipeline->tcp)
        tcp_stats(pipeline->tcp, &figures->tcp);
    if (pipeline->streams)
        figures->streams = *streams_stats(pipeline->streams);
    if (pipeline->udp_flows)
        figures->other_udp_labels =
            udp_flows_labels(pipeline->udp_flows, figures->other_udp, UDP_FLOWS_LABELS_MAX);
    if (!pipeline->mirror)
        return;
    mirror_figures(pipeline->mirror, &pipeline->calls.peers, &figures->mirror);
    figures->ports = mirror_ports(pipeline->mirror, figures->port, MIRROR_PORTS_MAX);
}

uint64_t report_other_udp(const struct report_figures *figures)
{
    uint64_t packets = 0;
    for (size_t i = 0; i < figures->other_udp_labels; i++)
        packets += figures->other_udp[i].packets;
    return packets;
}

uint64_t report_packets_cut(const struct pipeline *pipeline, const struct report_figures *figures)
{
    return figures->mirror.truncated + pipeline->tally.decoded[DECODE_TRUNCATED];
}

/* "refused 3, no answer 2" */
static void format_reasons(const struct tally_failing *failing, char *buf, size_t len)
{
    static const char *const words[CONNECTION_FAILURE_COUNT] = {
        [CONNECTION_REFUSED] = "refused",
        [CONNECTION_NO_ANSWER] = "no answer",
        [CONNECTION_TLS_ALERT] = "ended by a TLS alert",
        [CONNECTION_TLS_SILENT] = "no answer to the TLS client hello",
    };
    size_t used = 0;
    for (int reason = 0; reason < CONNECTION_FAILURE_COUNT && used < len; reason++)
        if (failing->reasons[reason] > 0)
            used += (size_t)snprintf(buf + used, len - used, "%s%s %s", used ? ", " : "",
                                     words[reason], grouped(failing->reasons[reason]));
}

void report_print_callers(FILE *out, const struct ip_addr *caller, unsigned callers,
                          unsigned callers_max)
{
    char line[LINE_MAX_OCTETS], ip[IP_TEXT_MAX];
    int used = snprintf(line, sizeof line, "Callers:");
    for (unsigned i = 0; i < callers && i < CALLERS_SHOWN; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%s %s", i ? "," : "",
                         ip_format(&caller[i], ip));
    if (callers > CALLERS_SHOWN)
        snprintf(line + used, sizeof line - (size_t)used, " and %u%s more", callers - CALLERS_SHOWN,
                 callers == callers_max ? " or" : "");
    report_page_print(out, "    ", INDENT, line);
}

/* "3 SYNs, 2 TLS hellos" */
static void format_attempts(const struct tally_failing *failing, char *buf, size_t len)
{
    uint64_t hellos = failing->hellos, syns = failing->attempts - hellos;
    int used = 0;
    buf[0] = 0;
    if (syns > 0)
        used = snprintf(buf, len, "%s %s", grouped(syns), plural(syns, "SYN", "SYNs"));
    if (hellos > 0)
        snprintf(buf + used, len - (size_t)used, "%s%s TLS %s", used ? ", " : "", grouped(hellos),
                 plural(hellos, "hello", "hellos"));
}

/* What to look at, for each reason there is. */
static void print_failing_next(const struct tally_failing *failing, FILE *out)
{
    char capture_there[160];
    snprintf(capture_there, sizeof capture_there,
             "Next: Is it up? Look at firewall and route; capture there: tcpdump -ni any tcp port "
             "%u",
             failing->dst.port);
    const char *const texts[CONNECTION_FAILURE_COUNT] = {
        [CONNECTION_REFUSED] = "Next: Is the service up on that port (ss -ltnp)? A firewall's "
                               "reject looks the same.",
        [CONNECTION_NO_ANSWER] = capture_there,
        [CONNECTION_TLS_ALERT] = "Next: Look at certificates and TLS versions, in both logs.",
        [CONNECTION_TLS_SILENT] = "Next: Is TLS spoken on that port?",
    };
    for (int reason = 0; reason < CONNECTION_FAILURE_COUNT; reason++)
        if (failing->reasons[reason] > 0)
            report_page_print(out, "    ", INDENT, texts[reason]);
}

/* Where the server was never heard. */
static void print_failing_doubt(const struct tally_failing *failing, FILE *out)
{
    char line[LINE_MAX_OCTETS], of_them[48] = "Not";
    if (failing->doubted == 0)
        return;
    if (failing->doubted < failing->connections)
        snprintf(of_them, sizeof of_them, "In %s of them not", grouped(failing->doubted));
    snprintf(
        line, sizeof line,
        "%s one packet came from the server: it may be silent, or the mirror may not carry its "
        "direction.",
        of_them);
    report_page_print(out, "    ", INDENT, line);
}

static void print_failing(const struct tally_failing *failing, FILE *out)
{
    char endpoint[ENDPOINT_TEXT_MAX], from[32], to[32], attempts[96], reasons[256];
    char line[LINE_MAX_OCTETS];
    format_attempts(failing, attempts, sizeof attempts);
    snprintf(line, sizeof line, "%s%s%s%s %s: %s %s, %s", failing->name ? failing->name : "",
             failing->name ? " (" : "", endpoint_format(&failing->dst, endpoint),
             failing->name ? ")" : "", transport_name(failing->transport),
             grouped(failing->connections),
             plural(failing->connections, "connection", "connections"), attempts);
    report_page_print(out, "  ", INDENT, line);
    report_page_time(failing->first_ns, false, from, sizeof from);
    report_page_time(failing->last_ns, false, to, sizeof to);
    format_reasons(failing, reasons, sizeof reasons);
    snprintf(line, sizeof line, "%s to %s: %s", from, to, reasons);
    report_page_print(out, "    ", INDENT, line);
    report_print_callers(out, failing->caller, failing->callers, TALLY_FAILING_CALLERS_MAX);
    print_failing_doubt(failing, out);
    print_failing_next(failing, out);
}

void report_failed_print(const struct tally *tally, FILE *out)
{
    uint64_t failed = tally_connections_failed(tally);
    if (failed == 0)
        return;
    fprintf(out, "\nCONNECTIONS THAT FAILED  %s ended before any SIP\n", grouped(failed));
    size_t shown =
        tally->failing_destinations < FAILING_SHOWN ? tally->failing_destinations : FAILING_SHOWN;
    for (size_t i = 0; i < shown; i++)
        print_failing(&tally->failing[i], out);
    uint64_t rest = tally->other_failing_connections;
    for (size_t i = shown; i < tally->failing_destinations; i++)
        rest += tally->failing[i].connections;
    if (rest > 0)
        fprintf(out, "  … and %s to other destinations (--report json has more)\n", grouped(rest));
}

/* "100 in the same form, 23 in another VLAN": by kind. */
static void print_copies(const struct tally *tally, const struct mirror_figures *mirror, FILE *out)
{
    static const char *const words[MIRROR_COPY_KINDS] = {
        [COPY_SAME - 1] = "identical",
        [COPY_VLAN - 1] = "in another VLAN",
        [COPY_ROUTED - 1] = "before and after a router",
        [COPY_TUNNEL - 1] = "in a tunnel and out of it",
    };
    char line[LINE_MAX_OCTETS];
    if (tally->copies == 0)
        return;
    int used = snprintf(line, sizeof line, "%s of others (%.1f%% of all)",
                        plural(tally->copies, "packet was a copy", "packets were copies"),
                        (double)tally->copies * 100 / (double)tally->packets);
    const char *separator = ":";
    for (int kind = 0; kind < MIRROR_COPY_KINDS; kind++) {
        if (mirror->copies[kind] == 0)
            continue;
        used += snprintf(line + used, sizeof line - (size_t)used, "%s %s %s", separator,
                         grouped(mirror->copies[kind]), words[kind]);
        separator = ",";
    }
    report_page_row(out, tally->copies, line);
}

/* Where copies come from, if not all come the same way. */
static void print_ports(const struct tally *tally, const struct report_figures *figures, FILE *out)
{
    char line[LINE_MAX_OCTETS], vlan[32];
    unsigned shown = 0;
    if (figures->ports < 2)
        return;
    for (size_t i = 0; i < figures->ports && shown < PORTS_SHOWN; i++) {
        const struct mirror_port *port = &figures->port[i];
        if (port->copies == 0)
            continue;
        snprintf(vlan, sizeof vlan, "VLAN %u", port->vlan);
        snprintf(line, sizeof line, "%s on interface %u, %s, of %s %s there",
                 port->copies == tally->copies ? "all" : grouped(port->copies), port->interface,
                 port->vlan == MIRROR_NO_VLAN ? "untagged" : vlan, grouped(port->packets),
                 plural(port->packets, "packet", "packets"));
        report_page_print(out, "                 ", PORTS_INDENT + 2, line);
        shown++;
    }
}

static void print_conversations(const struct mirror_figures *mirror, FILE *out)
{
    char line[LINE_MAX_OCTETS];
    if (mirror->conversations_one_way == 0)
        return;
    int used = snprintf(line, sizeof line,
                        "of %s %s had SIP from one side only (dead destinations look so, too)",
                        grouped(mirror->conversations),
                        plural(mirror->conversations, "conversation", "conversations"));
    if (mirror->conversations_proven > 0)
        snprintf(line + used, sizeof line - (size_t)used,
                 "; in %s of these the other side spoke out of sight: the mirror's fault",
                 grouped(mirror->conversations_proven));
    report_page_row(out, mirror->conversations_one_way, line);
}

static void print_tunnels(const struct tally *tally, FILE *out)
{
    static const char *const words[TUNNEL_COUNT] = {
        [TUNNEL_MPLS] = "MPLS",     [TUNNEL_PPPOE] = "PPPoE", [TUNNEL_GRE] = "GRE",
        [TUNNEL_ERSPAN] = "ERSPAN", [TUNNEL_VXLAN] = "VXLAN", [TUNNEL_GENEVE] = "GENEVE",
        [TUNNEL_GTP_U] = "GTP-U",   [TUNNEL_TZSP] = "TZSP",   [TUNNEL_IP_IN_IP] = "IP in IP",
        [TUNNEL_6IN4] = "6in4",
    };
    for (int tunnel = TUNNEL_NONE + 1; tunnel < TUNNEL_COUNT; tunnel++)
        report_page_row_of(out, tally->tunnels[tunnel], "packet came in", "packets came in",
                           words[tunnel]);
}

static void print_told(const struct tally *tally, FILE *out)
{
    char text[EVENT_SUMMARY_MAX + 16];
    for (int problem = 0; problem < MIRROR_PROBLEM_COUNT; problem++) {
        const struct tally_mirror *told = &tally->mirror[problem];
        if (told->events == 0)
            continue;
        snprintf(text, sizeof text, "%s: %s", mirror_problem_name((enum mirror_problem)problem),
                 told->worst.summary);
        report_page_print(out, "  ", INDENT, text);
        snprintf(text, sizeof text, "Next: %s", told->worst.next_step);
        report_page_print(out, "    ", INDENT, text);
    }
}

static bool is_told(const struct tally *tally)
{
    for (int problem = 0; problem < MIRROR_PROBLEM_COUNT; problem++)
        if (tally->mirror[problem].events > 0)
            return true;
    return false;
}

/* Calls that went on as if accepted; those that were up before the input began are no wonder. */
static uint64_t answers_missed(const struct pipeline *pipeline)
{
    uint64_t unseen = pipeline->tally.calls[CALL_STATE_COMPLETED][0];
    return unseen > pipeline->calls.joined_late ? unseen - pipeline->calls.joined_late : 0;
}

/* What the mirror may have done, and others may, too. */
static bool is_doubted(const struct pipeline *pipeline, const struct report_figures *figures)
{
    const struct mirror_figures *mirror = &figures->mirror;
    return mirror->conversations_one_way > 0 || pipeline->calls.inferred_answers > 0 ||
           answers_missed(pipeline) > 0 || mirror->rtp_holes > 0 || figures->tcp.holes > 0 ||
           figures->defrag.timed_out > 0 || mirror->behind_max_ns > DISORDER_DOUBTED_NS ||
           report_packets_cut(pipeline, figures) > 0;
}

/* Nothing is called well that was not looked at, nor above a sign of loss. */
static const char *verdict_text(const struct pipeline *pipeline,
                                const struct report_figures *figures)
{
    const struct mirror_figures *mirror = &figures->mirror;
    const struct capture_stats *stats = &pipeline->capture_stats;
    if (is_told(&pipeline->tally))
        return "not well: what it does not deliver, nobody can judge";
    if (mirror->conversations_proven > 0 || mirror->shared_losses > 0 || mirror->tcp_holes > 0)
        return "not quite well:";
    if (tally_responses(&pipeline->tally) == 0)
        return "cannot tell: no SIP response was seen";
    if (is_doubted(pipeline, figures))
        return "no fault proven, but:";
    if (stats->dropped_kernel > 0 || stats->dropped_interface > 0)
        return "no fault proven, but packets were lost on this machine (see below)";
    return "well: nothing shows that it loses, cuts or half delivers what is spoken";
}

static void print_doubts(const struct pipeline *pipeline, const struct report_figures *figures,
                         FILE *out)
{
    const struct mirror_figures *mirror = &figures->mirror;
    char line[LINE_MAX_OCTETS];
    print_conversations(mirror, out);
    report_page_row_of(out, pipeline->calls.inferred_answers, "INVITE was", "INVITEs were",
                       "answered out of the sensor's sight");
    report_page_row_of(out, answers_missed(pipeline), "call was", "calls were",
                       "completed, but the 2xx was never seen");
    report_page_row_of(out, report_packets_cut(pipeline, figures), "packet was", "packets were",
                       "cut short (the headers say more than was captured)");
    report_page_row_of(out, figures->defrag.timed_out, "IP datagram", "IP datagrams",
                       "of which fragments never came");
    report_page_row_of(out, figures->tcp.holes, "place", "places",
                       "in TCP streams where bytes never came");
    report_page_row_of(out, mirror->tcp_holes, "time", "times",
                       "a TCP receiver had what the mirror never delivered");
    report_page_row_of(out, mirror->shared_losses, "time", "times",
                       "(of 0.1 s) many streams missed packets at once");
    report_page_row_of(out, mirror->rtp_holes, "gap", "gaps",
                       "in the voice streams, the network's or the mirror's");
    snprintf(line, sizeof line, "behind ones with a later stamp, by up to %.1f ms",
             (double)mirror->behind_max_ns / 1e6);
    report_page_row_of(out, mirror->behind, "packet came", "packets came", line);
}

void report_mirror_print(const struct pipeline *pipeline, const struct report_figures *figures,
                         FILE *out)
{
    const struct tally *tally = &pipeline->tally;
    if (tally->packets == 0)
        return;
    report_page_print(out, "\nMIRROR  ", INDENT, verdict_text(pipeline, figures));
    print_told(tally, out);
    print_doubts(pipeline, figures, out);
    print_copies(tally, &figures->mirror, out);
    print_ports(tally, figures, out);
    report_page_row_of(out, pipeline->copies.overruns, "packet was", "packets were",
                       "forgotten before a copy could have come (memory_limit)");
    print_tunnels(tally, out);
}

void report_transport_print(const struct pipeline *pipeline, const struct report_figures *figures,
                            FILE *out)
{
    const struct tally *tally = &pipeline->tally;
    char line[LINE_MAX_OCTETS] = "";
    size_t used = 0;
    uint64_t messages = 0;
    for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
        messages += tally->messages[transport];
        if (tally->messages[transport] > 0)
            used += (size_t)snprintf(line + used, sizeof line - used, "%s%s %s", used ? ", " : "",
                                     transport_name((enum transport)transport),
                                     grouped(tally->messages[transport]));
    }
    bool is_plain = messages == tally->messages[TRANSPORT_UDP] && figures->tcp.connections == 0 &&
                    figures->defrag.fragments == 0 && pipeline->calls.icmp_tied == 0;
    if (is_plain)
        return;
    report_page_print(out, "\nCARRIED BY  ", INDENT, messages > 0 ? line : "no SIP message");
    snprintf(line, sizeof line, "to SIP ports%s%s",
             messages > tally->messages[TRANSPORT_UDP] ? " or with SIP" : "",
             figures->tcp.tls + figures->tcp.websocket > 0 ? ", of which" : "");
    report_page_row_of(out, figures->tcp.connections, "TCP connection", "TCP connections", line);
    report_page_row_of(out, figures->tcp.tls, "is", "are",
                       "encrypted (TLS): what they say cannot be read");
    report_page_row_of(out, figures->tcp.websocket, "is", "are", "WebSocket");
    report_page_row_of(out, figures->defrag.reassembled, "IP datagram was", "IP datagrams were",
                       "put together from fragments");
    report_page_row_of(out, pipeline->calls.icmp_tied, "ICMP error", "ICMP errors",
                       "about an INVITE seen here");
}
