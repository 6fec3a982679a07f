/*
 * checksum: CRC-32 (ISO 3309), by which records in shared memory and on disk are known to be whole.
 * Pure.
 */
#ifndef SIPSPAN_SPOOL_CHECKSUM_H
#define SIPSPAN_SPOOL_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Of what `before` is the checksum of (0: nothing) and these octets after it. */
uint32_t checksum(uint32_t before, const void *octets, size_t len);

#endif
