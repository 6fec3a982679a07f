#include "call/media_steps.h"

#include "sdp/sdp.h"

/* What this message may carry of an offer or an answer; false where it cannot matter. */
static bool carrier_of(const struct sip_msg *msg, enum offer_answer_carrier *carrier)
{
    bool is_success = msg->status >= 200 && msg->status < 300;
    bool is_failure = msg->status >= 300;
    switch (msg->method) {
    case SIP_INVITE:
        if (msg->is_request)
            *carrier = CARRIER_INVITE;
        else if (is_success)
            *carrier = CARRIER_INVITE_2XX;
        else if (is_failure)
            *carrier = CARRIER_INVITE_FAILURE;
        else
            *carrier = msg->requires_100rel && msg->has_rseq ? CARRIER_RELIABLE_1XX
                                                             : CARRIER_UNRELIABLE_1XX;
        return true;
    case SIP_ACK:
        *carrier = CARRIER_ACK;
        return true;
    case SIP_PRACK:
        *carrier = msg->is_request ? CARRIER_PRACK
                   : is_success    ? CARRIER_PRACK_2XX
                                   : CARRIER_PRACK_FAILURE;
        return msg->is_request || is_success || is_failure;
    case SIP_UPDATE:
        *carrier = msg->is_request ? CARRIER_UPDATE
                   : is_success    ? CARRIER_UPDATE_2XX
                                   : CARRIER_UPDATE_FAILURE;
        return msg->is_request || is_success || is_failure;
    default:
        return false;
    }
}

void media_steps_saw(struct calls *calls, struct call *call, struct dialog *dialog,
                     bool from_caller, const struct datagram *datagram, const struct sip_msg *msg)
{
    struct offer_answer_step step = {
        .side = from_caller ? SIDE_CALLER : SIDE_CALLEE,
        .cseq = msg->cseq,
        .time_ns = datagram->time_ns,
    };
    struct sdp sdp; /* large, and on purpose not cleared */
    bool is_whole = !datagram->incomplete && !(msg->defects & SIP_DEFECT_TRUNCATED);
    if (!is_whole || !carrier_of(msg, &step.carrier))
        return;
    struct slice body = sip_msg_sdp(msg);
    if (body.len > 0 && sdp_parse(body, &sdp) == SDP_OK)
        step.sdp = &sdp;
    if (step.sdp)
        media_map_announce(&calls->media_map, call, dialog, !from_caller, step.sdp);
    /* Nothing was ever described: there is nothing that a message without SDP could change. */
    bool has_state = call->media || (dialog && dialog->media);
    if (!step.sdp && !has_state && step.carrier != CARRIER_INVITE)
        return;
    struct offer_answer *media = call_table_media(&calls->table, call, dialog);
    if (media)
        offer_answer_saw(media, &step);
    if (dialog)
        return;
    /* Answers that the mirror showed first have made their dialogs already. */
    for (EACH_DIALOG(node, call)) {
        media = dialog_at(node)->media;
        if (media)
            offer_answer_saw(media, &step);
    }
}
