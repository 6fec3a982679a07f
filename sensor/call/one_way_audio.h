/*
 * one_way_audio: calls that were answered, are not on hold, and in which one direction carries no
 * sound while the other does (sipspan.call.one_way_audio). Internal to the folder.
 *
 * A direction is silent when no RTP of it came for ONE_WAY_SILENCE_NS, counted from its latest
 * packet, the answer, or what was last agreed in SDP, whichever is latest, and the other direction
 * was heard through nearly all of that time: both may begin late, one a little before the other.
 * (Where neither was heard for a while, it takes up to 10 s.) Told once until something of it is
 * heard again; at the end of a call that was too short for that, told where nothing of it came
 * since the answer.
 *
 * Nothing is said of a direction that SDP does not let expect, of one that pauses between
 * talkspurts or sent comfort noise, of both at once (it may be the mirror), nor of a sender of
 * which the sensor never saw a packet: then it may be the mirror, too. Nor where the addresses do
 * not tell the two sides apart: sound goes both ways between two hosts, whichever side it was taken
 * to be of, or the silent direction would go from a host to itself while the other one does not.
 */
#ifndef SIPSPAN_CALL_ONE_WAY_AUDIO_H
#define SIPSPAN_CALL_ONE_WAY_AUDIO_H

#include "call/call_outcome.h"
#include "call/calls.h"

#define ONE_WAY_SILENCE_NS INT64_C(5000000000)

/* When to look at an established call; INT64_MAX: there is nothing to look for. */
int64_t one_way_audio_due(const struct calls *calls, const struct call *call);
void one_way_audio_look(struct calls *calls, struct call *call);
/* The call's event is about to be given. */
void one_way_audio_at_end(struct calls *calls, struct call *call,
                          const struct call_outcome *outcome);

#endif
