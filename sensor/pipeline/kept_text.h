/*
 * kept_text: text from the wire, kept for the report: cut, and nothing in it that breaks a line
 * into words or that a terminal would take for a command.
 */
#ifndef SIPSPAN_PIPELINE_KEPT_TEXT_H
#define SIPSPAN_PIPELINE_KEPT_TEXT_H

#include "base/slice.h"

enum { KEPT_TEXT_MAX = 128 };

static inline void kept_text(char buf[static KEPT_TEXT_MAX], struct slice text)
{
    text = slice_head(text, KEPT_TEXT_MAX - 1);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        buf[i] = c <= 0x20 || c >= 0x7f ? '?' : text.at[i];
    }
    buf[text.len] = 0;
}

#endif
