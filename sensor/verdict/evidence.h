/*
 * evidence: everything that was found about an INVITE without a response, as a list of facts; what
 * bears on its cause first, then the rest in the order of the causes. Internal to verdict. The
 * kinds and their fields are told in README.md.
 */
#ifndef SIPSPAN_VERDICT_EVIDENCE_H
#define SIPSPAN_VERDICT_EVIDENCE_H

#include "verdict/rules.h"

/* To be told once the code is set. Does not look at the rest of the cause. */
void evidence_collect(const struct view *view, struct cause *cause);

#endif
