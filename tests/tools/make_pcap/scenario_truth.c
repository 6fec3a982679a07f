#include <errno.h>
#include <string.h>

#include "scenario.h"

/*
 * "call_ids": calls of which at least one message is in the capture. A transaction's "requests" are
 * its transmissions; mirror copies are apart. Times are seconds since the scenario's start.
 */

static bool in_capture(const struct transaction *t)
{
    return t->seen.requests + t->seen.responses + t->seen.copies > 0;
}

static bool call_in_capture(const struct scenario *s, const struct call *call)
{
    for (unsigned i = 0; i < s->dialogs.transaction_count; i++)
        if (s->dialogs.transactions[i]->call == call && in_capture(s->dialogs.transactions[i]))
            return true;
    return false;
}

static void put_text(FILE *f, const char *name, const char *value)
{
    fprintf(f, "\"%s\": ", name);
    json_put_string(f, value);
    fputs(", ", f);
}

static void put_transaction(FILE *f, const struct transaction *t)
{
    char src[ENDPOINT_TEXT_MAX], dst[ENDPOINT_TEXT_MAX];
    const struct tally *seen = &t->seen;
    fputs("      {", f);
    put_text(f, "method", t->message.method);
    put_text(f, "branch", t->label);
    put_text(f, "src", endpoint_format(&t->src_at, src));
    put_text(f, "dst", endpoint_format(&t->dst->at, dst));
    fprintf(f, "\"cseq\": %lld, \"requests\": %llu, \"responses\": %llu, \"copies\": %llu",
            (long long)t->message.cseq, (unsigned long long)seen->requests,
            (unsigned long long)seen->responses, (unsigned long long)seen->copies);
    if (seen->requests > 0)
        fprintf(f, ", \"first_sent\": %.9f, \"last_sent\": %.9f", (double)seen->first_ns / 1e9,
                (double)seen->last_ns / 1e9);
    if (seen->responses > 0)
        fprintf(f, ", \"first_response\": %.9f, \"first_status\": %d, \"last_status\": %d",
                (double)seen->first_response_ns / 1e9, seen->first_status, seen->last_status);
    fputc('}', f);
}

static void put_call(FILE *f, const struct scenario *s, const struct call *call)
{
    const char *separator = "";
    fputs("    {", f);
    put_text(f, "call_id", call->call_id);
    put_text(f, "from_uri", call->from);
    put_text(f, "to_uri", call->to);
    fputs("\"transactions\": [\n", f);
    for (unsigned i = 0; i < s->dialogs.transaction_count; i++) {
        const struct transaction *t = s->dialogs.transactions[i];
        if (t->call != call || !in_capture(t))
            continue;
        fputs(separator, f);
        put_transaction(f, t);
        separator = ",\n";
    }
    fputs("\n    ]}", f);
}

void scenario_write_truth(const struct scenario *s, const char *path, uint64_t packets)
{
    uint64_t requests = 0, responses = 0, copies = 0, invites = 0, calls = 0;
    for (unsigned i = 0; i < s->dialogs.transaction_count; i++) {
        const struct transaction *t = s->dialogs.transactions[i];
        requests += t->seen.requests;
        responses += t->seen.responses;
        copies += t->seen.copies;
        if (strcmp(t->message.method, "INVITE") == 0 && t->seen.requests > 0)
            invites++;
    }
    for (unsigned i = 0; i < s->dialogs.call_count; i++)
        calls += call_in_capture(s, s->dialogs.calls[i]);

    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!f)
        die("%s: cannot be opened: %s", path, strerror(errno));
    fprintf(f,
            "{\n  \"packets\": %llu, \"requests\": %llu, \"responses\": %llu, \"copies\": %llu,\n"
            "  \"invite_transactions\": %llu, \"call_ids\": %llu,\n"
            "  \"left_out\": {\"unseen\": %llu, \"hidden\": %llu, \"outside\": %llu},\n"
            "  \"calls\": [\n",
            (unsigned long long)packets, (unsigned long long)requests,
            (unsigned long long)responses, (unsigned long long)copies, (unsigned long long)invites,
            (unsigned long long)calls, (unsigned long long)s->left_out.unseen,
            (unsigned long long)s->left_out.hidden, (unsigned long long)s->left_out.outside);
    const char *separator = "";
    for (unsigned i = 0; i < s->dialogs.call_count; i++) {
        if (!call_in_capture(s, s->dialogs.calls[i]))
            continue;
        fputs(separator, f);
        put_call(f, s, s->dialogs.calls[i]);
        separator = ",\n";
    }
    fputs("\n  ]\n}\n", f);
    if (fclose(f) != 0)
        die("%s: cannot be written: %s", path, strerror(errno));
}
