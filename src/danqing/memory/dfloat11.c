/* The exponents of DFloat11 at the speed of a table. See dfloat11.py for the format, and for what
 * has been checked before: there is a table and a row of lengths, none of them above 32; chunks
 * begin within the stream, and hold CHUNK_BITS weights at most, all of them within the unit. Of
 * codes and tables nothing is believed: whatever they are, nothing beyond them is read or written.
 */
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "what a look-up gives is written as little-endian"
#endif

#define CHUNK_BITS 32768 /* a chunk is 4096 bytes */
#define INDEX 11         /* bits that are looked up at once: a table of 16 KiB */
#define MOST 6           /* exponents that one look-up gives at most */
#define POINTER 240      /* entries from here on point to another table */
#define WRONG (-1)

typedef uint64_t u64;

typedef struct {
    const uint8_t *luts; /* tables of 256 entries, then the length of every exponent's code */
    int64_t tables;
    const uint8_t *stream;
    int64_t bytes;
} Coded;

/* What INDEX bits begin with, all codes that end within them: their exponents in the bytes from the
 * lowest on, how many they are in bits 48 to 55, and how many bits they take in those above. */
typedef u64 Entry;

/* At least 57 bits from any bit on, the first one on top; beyond the end there are zeros. */
static inline u64 peek(const Coded *coded, int64_t bit)
{
    const uint8_t *stream = coded->stream;
    int64_t at = bit >> 3;
    u64 bits = 0;
    if (at + 8 <= coded->bytes) {
        const uint8_t *p = stream + at;
        bits = (u64)p[0] << 56 | (u64)p[1] << 48 | (u64)p[2] << 40 | (u64)p[3] << 32 |
               (u64)p[4] << 24 | (u64)p[5] << 16 | (u64)p[6] << 8 | (u64)p[7];
    } else {
        for (int i = 0; i < 8; i++) bits = bits << 8 | (at + i < coded->bytes ? stream[at + i] : 0);
    }
    return bits << (bit & 7);
}

/* The exponent that some bits begin with, and the length of its code; or WRONG. */
static int look_up(const Coded *coded, u64 bits, int *length)
{
    const uint8_t *lengths = coded->luts + 256 * coded->tables;
    int64_t table = 0;
    for (int depth = 0; depth < 4; depth++) {
        int entry = coded->luts[256 * table + (int)(bits >> (56 - 8 * depth) & 0xFF)];
        if (entry < POINTER) {
            *length = lengths[entry];
            return *length > 8 * depth && *length <= 8 * depth + 8 ? entry : WRONG;
        }
        table = 256 - entry;
        if (table >= coded->tables) return WRONG;
    }
    return WRONG;
}

/* Fill the 2^INDEX entries, each with what the bytes of `luts` say whatever bits come next. */
static void prepare(const Coded *coded, Entry *entries)
{
    const uint8_t *luts = coded->luts, *lengths = luts + 256 * coded->tables;
    for (unsigned index = 0; index < 1u << INDEX; index++) {
        int count = 0, left = INDEX;
        Entry entry = 0;
        for (; count < MOST; count++) {
            int unknown = left < 8 ? 8 - left : 0;
            unsigned bits = index & ((1u << left) - 1);
            const uint8_t *first = luts + (left < 8 ? bits << unknown : bits >> (left - 8));
            int length = lengths[*first], sure = 1;
            for (int i = 1; i < 1 << unknown; i++) sure &= first[i] == first[0];
            if (!sure || *first >= POINTER || length == 0 || length > 8 || length > left) break;
            entry |= (u64)*first << (8 * count);
            left -= length;
        }
        entries[index] = entry | (u64)count << 48 | (u64)(INDEX - left) << 56;
    }
}

/* Decode `count` exponents from a bit on. Returns the bit where they end, or WRONG. There is room
 * for the whole of an entry beyond them. */
static int64_t decode_chunk(const Coded *coded, const Entry *entries, int64_t bit, int64_t count,
                            uint8_t *exponents)
{
    for (int64_t n = 0; n < count;) {
        u64 bits = peek(coded, bit);
        int looked = 0;
        for (; looked < 4 && n + MOST <= count; looked++) { /* which takes 44 of the bits at most */
            Entry entry = entries[bits >> (64 - INDEX)];
            int found = entry >> 48 & 0xFF, taken = (int)(entry >> 56);
            if (taken == 0) break;
            memcpy(exponents + n, &entry, sizeof entry);
            n += found, bit += taken, bits <<= taken;
        }
        if (looked == 4 || n == count) continue;
        int length, exponent = look_up(coded, peek(coded, bit), &length);
        if (exponent == WRONG) return WRONG;
        exponents[n++] = (uint8_t)exponent, bit += length;
    }
    return bit;
}

/* Decode the chunks [first, last): chunk c from bit starts[c] on into the weights positions[c] to
 * positions[c + 1], and into ends[c] the bit where it ends, or WRONG. */
void dfloat11_decode(const uint8_t *luts, int64_t tables, const uint8_t *stream, int64_t bytes,
                     const uint8_t *signs, const int64_t *positions, const int64_t *starts,
                     int64_t first, int64_t last, uint16_t *out, int64_t *ends)
{
    const Coded coded = {luts, tables, stream, bytes};
    Entry entries[1 << INDEX];
    uint8_t exponents[CHUNK_BITS + sizeof(Entry)];
    prepare(&coded, entries);
    for (int64_t c = first; c < last; c++) {
        int64_t count = positions[c + 1] - positions[c];
        const uint8_t *sign = signs + positions[c];
        uint16_t *to = out + positions[c];
        ends[c] = decode_chunk(&coded, entries, starts[c], count, exponents);
        if (ends[c] == WRONG) continue;
        for (int64_t i = 0; i < count; i++)
            to[i] = (uint16_t)((sign[i] & 0x80) << 8 | exponents[i] << 7 | (sign[i] & 0x7F));
    }
}
