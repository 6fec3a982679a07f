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

#define grouped report_page_count
#define plural  report_page_plural

void report_figures_read(const struct pipeline *pipeline, struct report_figures *figures)
{
    *figures = (struct report_figures){0};
    if (pipeline->defrag)
        defrag_stats(pipeline->defrag, &figures->defrag);
    if (pipeline->tcp)
        tcp_stats(pipeline->tcp, &figures->tcp);
    if (!pipeline->mirror)
        return;
    mirror_figures(pipeline->mirror, &pipeline->calls.peers, &figures->mirror);
    figures->ports = mirror_ports(pipeline->mirror, figures->port, MIRROR_PORTS_MAX);
}

static void print_row_if(FILE *out, uint64_t count, const char *what)
{
    if (count > 0)
        report_page_row(out, count, what);
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

static void print_failing_callers(const struct tally_failing *failing, FILE *out)
{
    char line[LINE_MAX_OCTETS], ip[IP_TEXT_MAX];
    int used = snprintf(line, sizeof line, "Callers:");
    for (unsigned i = 0; i < failing->callers && i < CALLERS_SHOWN; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%s %s", i ? "," : "",
                         ip_format(&failing->caller[i], ip));
    if (failing->callers > CALLERS_SHOWN)
        snprintf(line + used, sizeof line - (size_t)used, " and %u%s more",
                 failing->callers - CALLERS_SHOWN,
                 failing->callers == TALLY_FAILING_CALLERS_MAX ? " or" : "");
    report_page_print(out, "    ", INDENT, line);
}

static void print_failing(const struct tally_failing *failing, FILE *out)
{
    char endpoint[ENDPOINT_TEXT_MAX], from[32], to[32], reasons[256], line[LINE_MAX_OCTETS];
    snprintf(line, sizeof line, "%s%s%s%s %s: %s %s, %s %s", failing->name ? failing->name : "",
             failing->name ? " (" : "", endpoint_format(&failing->dst, endpoint),
             failing->name ? ")" : "", transport_name(failing->transport),
             grouped(failing->connections),
             plural(failing->connections, "connection", "connections"), grouped(failing->attempts),
             plural(failing->attempts, "attempt", "attempts"));
    report_page_print(out, "  ", INDENT, line);
    report_page_time(failing->first_ns, false, from, sizeof from);
    report_page_time(failing->last_ns, false, to, sizeof to);
    format_reasons(failing, reasons, sizeof reasons);
    snprintf(line, sizeof line, "%s to %s: %s", from, to, reasons);
    report_page_print(out, "    ", INDENT, line);
    print_failing_callers(failing, out);
    if (failing->doubted == 0)
        return;
    snprintf(line, sizeof line,
             "In %s of them not one packet came from the server: it may be silent, or the mirror "
             "may not carry its direction.",
             grouped(failing->doubted));
    report_page_print(out, "    ", INDENT, line);
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
        [COPY_SAME - 1] = "the very same",
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
static void print_ports(const struct report_figures *figures, FILE *out)
{
    char line[160];
    unsigned shown = 0;
    if (figures->ports < 2)
        return;
    for (size_t i = 0; i < figures->ports && shown < PORTS_SHOWN; i++) {
        const struct mirror_port *port = &figures->port[i];
        if (port->copies == 0)
            continue;
        int used = snprintf(line, sizeof line, "%s of %s by interface %u, ", grouped(port->copies),
                            grouped(port->packets), port->interface);
        if (port->vlan == MIRROR_NO_VLAN)
            snprintf(line + used, sizeof line - (size_t)used, "untagged");
        else
            snprintf(line + used, sizeof line - (size_t)used, "VLAN %u", port->vlan);
        report_page_print(out, "                 ", PORTS_INDENT + 2, line);
        shown++;
    }
}

static void print_conversations(const struct mirror_figures *mirror, FILE *out)
{
    char line[LINE_MAX_OCTETS];
    if (mirror->conversations_one_way == 0)
        return;
    int used = snprintf(line, sizeof line, "of %s %s seen in one direction only",
                        grouped(mirror->conversations),
                        plural(mirror->conversations, "conversation was", "conversations were"));
    if (mirror->conversations_proven > 0)
        snprintf(line + used, sizeof line - (size_t)used, "; %s of these %s out of sight",
                 grouped(mirror->conversations_proven),
                 plural(mirror->conversations_proven, "was answered", "were answered"));
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
    char line[80];
    for (int tunnel = TUNNEL_NONE + 1; tunnel < TUNNEL_COUNT; tunnel++) {
        snprintf(line, sizeof line, "%s in %s",
                 plural(tally->tunnels[tunnel], "packet came", "packets came"), words[tunnel]);
        print_row_if(out, tally->tunnels[tunnel], line);
    }
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

/* Nothing is called well that was not looked at. */
static const char *verdict_text(const struct pipeline *pipeline,
                                const struct mirror_figures *mirror)
{
    if (is_told(&pipeline->tally))
        return "not well: what it does not deliver, nobody can judge";
    if (mirror->conversations_proven > 0 || mirror->shared_losses > 0 || mirror->tcp_holes > 0 ||
        pipeline->capture_stats.truncated > 0)
        return "not quite well";
    if (mirror->conversations == 0)
        return "no conversation to judge it by";
    return "well: nothing shows that it loses, cuts or half delivers what is spoken";
}

void report_mirror_print(const struct pipeline *pipeline, const struct report_figures *figures,
                         FILE *out)
{
    const struct tally *tally = &pipeline->tally;
    const struct mirror_figures *mirror = &figures->mirror;
    char line[LINE_MAX_OCTETS];
    if (tally->packets == 0)
        return;
    report_page_print(out, "\nMIRROR  ", INDENT, verdict_text(pipeline, mirror));
    print_told(tally, out);
    print_conversations(mirror, out);
    print_row_if(out, pipeline->capture_stats.truncated,
                 "packets were cut by the capture's snap length");
    print_row_if(out, mirror->tcp_holes,
                 "times a TCP receiver had what the mirror never delivered");
    print_row_if(out, mirror->shared_losses,
                 "moments of 0.1 s in which many flows missed packets together");
    print_row_if(out, mirror->rtp_holes,
                 "gaps in a sample of RTP streams, the network's or the mirror's");
    snprintf(line, sizeof line, "packets came behind ones with a later stamp, by up to %.1f ms",
             (double)mirror->behind_max_ns / 1e6);
    print_row_if(out, mirror->behind, line);
    print_copies(tally, mirror, out);
    print_ports(figures, out);
    print_row_if(out, pipeline->copies.overruns,
                 "packets were forgotten before a copy could have come (memory_limit)");
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
    report_page_print(out, "\nCARRIED BY  ", INDENT,
                      messages > 0 ? line : "nothing that could be read");
    print_row_if(out, figures->tcp.connections,
                 figures->tcp.tls + figures->tcp.websocket > 0
                     ? "TCP connections with signalling, of which"
                     : "TCP connections with signalling");
    print_row_if(out, figures->tcp.tls, "are encrypted (TLS): what they say cannot be read");
    print_row_if(out, figures->tcp.websocket, "are WebSocket");
    print_row_if(out, figures->tcp.holes, "places in TCP streams where octets never came");
    print_row_if(out, figures->defrag.reassembled, "IP datagrams were put together from fragments");
    print_row_if(out, pipeline->calls.icmp_tied, "ICMP errors about an INVITE in view");
}
