/* The codec of format.py at the speed of memory. Whole tiles only; see native.py for its callers.
 *
 * A tile is decoded in two steps: the planes of all levels are brought together in four planes of
 * the palette's entry ("slot") of every weight; then slots become exponents, and exponents meet
 * signs and mantissas. The first step is the same for every processor, the second is not. Nothing
 * is read beyond a tile before its length is known to be right, but for the SLACK of the payload.
 */
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bit planes are little-endian"
#endif

#if defined(__AVX512VBMI2__) && defined(__AVX512VBMI__) && defined(__AVX512BW__) && defined(__BMI2__)
#define AVX512 1
#include <immintrin.h>
#elif defined(__AVX2__) && defined(__BMI2__)
#define AVX2 1
#include <immintrin.h>
#endif

#define TILE 1024
#define GROUPS 16 /* of 64 weights */
#define RAW 15

typedef uint64_t u64;

static inline int ones(u64 x) { return __builtin_popcountll(x); }

#if defined(__BMI2__)
#define spread(bits, mask) _pdep_u64(bits, mask)
#define gather(bits, mask) _pext_u64(bits, mask)
#else
static inline u64 spread(u64 bits, u64 mask)
{
    u64 out = 0;
    for (; mask; mask &= mask - 1, bits >>= 1)
        if (bits & 1) out |= mask & -mask;
    return out;
}
static inline u64 gather(u64 bits, u64 mask)
{
    u64 out = 0;
    for (u64 to = 1; mask; mask &= mask - 1, to <<= 1)
        if (bits & mask & -mask) out |= to;
    return out;
}
#endif

/* 64 bits from any bit on, or 57 where no more are wanted. */
static inline u64 peek(const uint8_t *bytes, u64 at, int wide)
{
    u64 low;
    int shift = at & 7;
    memcpy(&low, bytes + (at >> 3), 8);
    low >>= shift;
    return wide ? low | (u64)bytes[(at >> 3) + 8] << 1 << (63 - shift) : low;
}

/* n bits into a buffer of zeros. */
static inline void put(u64 *buffer, u64 *at, u64 bits, int n)
{
    int shift = *at & 63;
    u64 *word = buffer + (*at >> 6);
    *word |= bits << shift;
    if (shift + n > 64) word[1] |= bits >> (64 - shift);
    *at += n;
}

/* 64 weights: slots, signs and raw exponents to bfloat16. */
#if AVX512
typedef __m512i Palette;
static inline Palette load_palette(const uint8_t *entries)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)entries));
}
static inline void join(const u64 slot[4], u64 escaped, Palette palette, const uint8_t *signs,
                        const uint8_t *raw, uint16_t *out, int stream)
{
    __m512i index = _mm512_or_si512(
        _mm512_or_si512(_mm512_maskz_set1_epi8(slot[0], 1), _mm512_maskz_set1_epi8(slot[1], 2)),
        _mm512_or_si512(_mm512_maskz_set1_epi8(slot[2], 4), _mm512_maskz_set1_epi8(slot[3], 8)));
    __m512i exponent = _mm512_shuffle_epi8(palette, index);
    if (escaped) exponent = _mm512_mask_expandloadu_epi8(exponent, escaped, raw);
    __m512i sign = _mm512_loadu_si512(signs), top = _mm512_set1_epi8((char)0x80);
    /* (a & ~top) | (b & top) is truth table 0xCA with top first. */
    __m512i high = _mm512_ternarylogic_epi32(top, sign, _mm512_srli_epi16(exponent, 1), 0xCA);
    __m512i low = _mm512_ternarylogic_epi32(top, _mm512_slli_epi16(exponent, 7), sign, 0xCA);
    __m512i even = _mm512_unpacklo_epi8(low, high), odd = _mm512_unpackhi_epi8(low, high);
    __m512i first = _mm512_permutex2var_epi64(even, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), odd);
    __m512i second = _mm512_permutex2var_epi64(even, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), odd);
    if (stream) {
        _mm512_stream_si512((void *)out, first);
        _mm512_stream_si512((void *)(out + 32), second);
    } else {
        _mm512_storeu_si512(out, first);
        _mm512_storeu_si512(out + 32, second);
    }
}
#define ALIGNED 63
#elif AVX2
static inline __m256i bytes_of(uint32_t bits, char value)
{
    const __m256i which = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i x = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), which), bit);
    return _mm256_and_si256(_mm256_cmpeq_epi8(x, bit), _mm256_set1_epi8(value));
}
typedef __m256i Palette;
static inline Palette load_palette(const uint8_t *entries)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)entries));
}
static inline void join(const u64 slot[4], u64 escaped, Palette palette, const uint8_t *signs,
                        const uint8_t *raw, uint16_t *out, int stream)
{
    const __m256i top = _mm256_set1_epi8((char)0x80);
    for (int half = 0; half < 2; half++) {
        int shift = 32 * half;
        __m256i index = _mm256_or_si256(
            _mm256_or_si256(bytes_of(slot[0] >> shift, 1), bytes_of(slot[1] >> shift, 2)),
            _mm256_or_si256(bytes_of(slot[2] >> shift, 4), bytes_of(slot[3] >> shift, 8)));
        __m256i exponent = _mm256_shuffle_epi8(palette, index);
        uint32_t patch = (uint32_t)(escaped >> shift);
        if (patch) {
            uint8_t spilled[32];
            _mm256_storeu_si256((__m256i *)spilled, exponent);
            for (; patch; patch &= patch - 1) spilled[__builtin_ctz(patch)] = *raw++;
            exponent = _mm256_loadu_si256((const __m256i *)spilled);
        }
        __m256i sign = _mm256_loadu_si256((const __m256i *)(signs + shift));
        __m256i high = _mm256_or_si256(_mm256_and_si256(top, sign),
                                       _mm256_andnot_si256(top, _mm256_srli_epi16(exponent, 1)));
        __m256i low = _mm256_or_si256(_mm256_and_si256(top, _mm256_slli_epi16(exponent, 7)),
                                      _mm256_andnot_si256(top, sign));
        __m256i even = _mm256_unpacklo_epi8(low, high), odd = _mm256_unpackhi_epi8(low, high);
        __m256i first = _mm256_permute2x128_si256(even, odd, 0x20);
        __m256i second = _mm256_permute2x128_si256(even, odd, 0x31);
        __m256i *to = (__m256i *)(out + shift);
        if (stream) {
            _mm256_stream_si256(to, first);
            _mm256_stream_si256(to + 1, second);
        } else {
            _mm256_storeu_si256(to, first);
            _mm256_storeu_si256(to + 1, second);
        }
    }
}
#define ALIGNED 31
#else
typedef const uint8_t *Palette;
static inline Palette load_palette(const uint8_t *entries) { return entries; }
static inline void join(const u64 slot[4], u64 escaped, Palette palette, const uint8_t *signs,
                        const uint8_t *raw, uint16_t *out, int stream)
{
    (void)stream;
    for (int i = 0; i < 64; i++) {
        int index = (slot[0] >> i & 1) | (slot[1] >> i & 1) << 1 | (slot[2] >> i & 1) << 2 |
                    (slot[3] >> i & 1) << 3;
        uint16_t exponent = escaped >> i & 1 ? *raw++ : palette[index];
        out[i] = (uint16_t)((signs[i] & 0x80) << 8 | exponent << 7 | (signs[i] & 0x7F));
    }
}
#define ALIGNED 1
#endif

/* Which instructions this was built for: 2 AVX-512, 1 AVX2, 0 neither. */
int planes_kind(void)
{
#if AVX512
    return 2;
#elif AVX2
    return 1;
#else
    return 0;
#endif
}

enum { WRONG, RIGHT, DENSE };

/* Decode a tile of `words` words into `left` weights at `out`, or check it if that is NULL. Returns
 * whether it is as long as its codes say, or DENSE if so many weights look further that it must be
 * called again with `wide`. Inlined for each of the levels there are, with and without. */
static inline __attribute__((always_inline)) int decode_tile(
    const uint32_t *tile, int64_t words, const int levels, const int wide, const Palette palette,
    const uint8_t *signs, int64_t left, uint16_t *out, int stream)
{
    const uint8_t *bytes = (const uint8_t *)tile, *limit = bytes + 4 * words;
    u64 known[GROUPS][3], looking[GROUPS], count = TILE, most = 64, place = 0;
    if (levels > 1) {
        const u64 *low = (const u64 *)bytes, *high = low + GROUPS;
        count = most = 0;
        for (int g = 0; g < GROUPS; g++) {
            u64 a, b, all;
            memcpy(&a, low + g, 8), memcpy(&b, high + g, 8);
            all = a & b;
            known[g][0] = a ^ all, known[g][1] = b ^ all, known[g][2] = 0;
            looking[g] = all;
            count += ones(all);
            most = (u64)ones(all) > most ? (u64)ones(all) : most;
        }
        place = 2 * TILE;
    } else {
        memset(known, 0, sizeof known);
        memset(looking, 0xFF, sizeof looking);
    }
    if (!wide && most > 57) return DENSE;
    if (levels > 2) {
        if ((int64_t)(place + 2 * count) > 32 * words) return WRONG;
        u64 at = place, next = 0;
        most = 0;
        for (int g = 0; g < GROUPS; g++) {
            u64 mask = looking[g];
            u64 a = spread(peek(bytes, at, wide), mask);
            u64 b = spread(peek(bytes, at + count, wide), mask), all = a & b;
            at += ones(mask);
            known[g][0] |= a ^ all, known[g][1] |= b ^ all, known[g][2] = mask ^ all;
            looking[g] = all;
            next += ones(all);
            most = (u64)ones(all) > most ? (u64)ones(all) : most;
        }
        place += 2 * count;
        count = next;
    }
    if (!wide && most > 57) return DENSE;
    if ((int64_t)(place + 3 * count) > 32 * words) return WRONG;
    const uint8_t *raw = bytes + (place + 3 * count + 31) / 32 * 4;
    u64 at = place;
    for (int g = 0; g < GROUPS; g++) {
        u64 mask = looking[g];
        u64 a = spread(peek(bytes, at, wide), mask);
        u64 b = spread(peek(bytes, at + count, wide), mask);
        u64 c = spread(peek(bytes, at + 2 * count, wide), mask), escaped = a & b & c;
        at += ones(mask);
        if (escaped && raw + ones(escaped) > limit) return WRONG;
        const u64 slot[4] = {known[g][0] | a, known[g][1] | b, known[g][2] | c, mask};
        if (out && left >= 64) {
            join(slot, escaped, palette, signs + 64 * g, raw, out + 64 * g, stream);
        } else if (out && left > 0) {
            uint8_t some[64] = {0}, spare[64] = {0};
            uint16_t full[64];
            memcpy(some, signs + 64 * g, left);
            memcpy(spare, raw, ones(escaped));
            join(slot, escaped, palette, some, spare, full, 0);
            memcpy(out + 64 * g, full, left * 2);
        }
        raw += ones(escaped);
        left -= 64;
    }
    return (raw - bytes + 3) / 4 == words ? RIGHT : WRONG;
}

#define DECODE(levels, wide) \
    decode_tile(tile, words, levels, wide, palette, signs + at, count - at, to, stream)

/* Decode the tiles [first, last) of a tensor of `count` weights. Returns 0, or 1 + the first tile
 * that is not as long as its codes say; with out == NULL the tiles are only checked. */
int64_t planes_decode(const uint8_t *signs, const uint32_t *payload, const int32_t *offsets,
                      const uint8_t *entries, int levels, int64_t count, int64_t first,
                      int64_t last, uint16_t *out, int stream)
{
    const Palette palette = load_palette(entries);
    stream = stream && ((uintptr_t)out & ALIGNED) == 0;
    for (int64_t t = first; t < last; t++) {
        const uint32_t *tile = payload + offsets[t];
        int64_t words = offsets[t + 1] - offsets[t], at = t * TILE;
        uint16_t *to = out ? out + at : out;
        int state = DENSE;
        if (levels == 3) state = DECODE(3, 0);
        else if (levels == 2) state = DECODE(2, 0);
        if (state == DENSE)
            state = levels == 3 ? DECODE(3, 1) : levels == 2 ? DECODE(2, 1) : DECODE(1, 1);
        if (state != RIGHT) return t + 1;
    }
#if AVX512 || AVX2
    if (stream) _mm_sfence();
#endif
    return 0;
}

/* Count the exponents of every `step`-th tile. */
void planes_count(const uint16_t *weights, int64_t count, int64_t step, int64_t *counts)
{
    for (int64_t i = 0; i < count; i += TILE * step) {
        uint16_t some[4][256] = {{0}};
        int64_t stop = i + TILE < count ? i + TILE : count;
        for (int64_t j = i; j < stop; j++) some[j & 3][weights[j] >> 7 & 0xFF]++;
        for (int e = 0; e < 256; e++)
            counts[e] += some[0][e] + some[1][e] + some[2][e] + some[3][e];
    }
}

#if AVX512
typedef struct { __m512i part[4]; } Table;
static inline Table load_table(const uint8_t *slot_of)
{
    Table t;
    for (int i = 0; i < 4; i++) t.part[i] = _mm512_loadu_si512(slot_of + 64 * i);
    return t;
}
static inline void part(const uint16_t *weights, const Table *t, uint8_t *signs, uint8_t *exponents,
                        u64 slot[4])
{
    static const uint8_t evens[64] = {0,  2,  4,  6,  8,  10, 12, 14, 16,  18,  20,  22,  24,  26,  28,  30,
                                      32, 34, 36, 38, 40, 42, 44, 46, 48,  50,  52,  54,  56,  58,  60,  62,
                                      64, 66, 68, 70, 72, 74, 76, 78, 80,  82,  84,  86,  88,  90,  92,  94,
                                      96, 98, 100, 102, 104, 106, 108, 110, 112, 114, 116, 118, 120, 122, 124, 126};
    __m512i even = _mm512_loadu_si512(evens), odd = _mm512_add_epi8(even, _mm512_set1_epi8(1));
    __m512i a = _mm512_loadu_si512(weights), b = _mm512_loadu_si512(weights + 32);
    __m512i low = _mm512_permutex2var_epi8(a, even, b), high = _mm512_permutex2var_epi8(a, odd, b);
    __m512i top = _mm512_set1_epi8((char)0x80);
    __m512i one = _mm512_and_si512(_mm512_srli_epi16(low, 7), _mm512_set1_epi8(1));
    __m512i exponent = _mm512_or_si512(_mm512_add_epi8(high, high), one);
    _mm512_storeu_si512(signs, _mm512_ternarylogic_epi32(top, high, low, 0xCA));
    _mm512_storeu_si512(exponents, exponent);
    __m512i index = _mm512_mask_blend_epi8(
        _mm512_movepi8_mask(exponent), _mm512_permutex2var_epi8(t->part[0], exponent, t->part[1]),
        _mm512_permutex2var_epi8(t->part[2], exponent, t->part[3]));
    for (int b = 0; b < 4; b++) slot[b] = _mm512_test_epi8_mask(index, _mm512_set1_epi8(1 << b));
}
static inline uint8_t *keep(const uint8_t *exponents, u64 escaped, uint8_t *raw)
{
    /* Compressing into memory is slow on some processors; there is room for the whole. */
    _mm512_storeu_si512(raw, _mm512_maskz_compress_epi8(escaped, _mm512_loadu_si512(exponents)));
    return raw + ones(escaped);
}
#else
typedef struct { const uint8_t *slot_of; } Table;
static inline Table load_table(const uint8_t *slot_of) { return (Table){slot_of}; }
static inline void part(const uint16_t *weights, const Table *t, uint8_t *signs, uint8_t *exponents,
                        u64 slot[4])
{
    uint8_t index[64];
    for (int i = 0; i < 64; i++) {
        signs[i] = (weights[i] >> 8 & 0x80) | (weights[i] & 0x7F);
        exponents[i] = weights[i] >> 7 & 0xFF;
        index[i] = t->slot_of[exponents[i]];
    }
#if AVX2
    for (int b = 0; b < 4; b++) {
        __m256i l = _mm256_loadu_si256((const __m256i *)index), h = _mm256_loadu_si256((const __m256i *)(index + 32));
        slot[b] = (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(l, 7 - b)) |
                  (u64)(uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(h, 7 - b)) << 32;
    }
#else
    slot[0] = slot[1] = slot[2] = slot[3] = 0;
    for (int i = 0; i < 64; i++)
        for (int b = 0; b < 4; b++) slot[b] |= (u64)(index[i] >> b & 1) << i;
#endif
}
static inline uint8_t *keep(const uint8_t *exponents, u64 escaped, uint8_t *raw)
{
    for (; escaped; escaped &= escaped - 1) *raw++ = exponents[__builtin_ctzll(escaped)];
    return raw;
}
#endif

/* Encode the tiles [first, last) into `payload`, which has room for LARGEST_TILE words for each,
 * and the length of each tile into `lengths`. Returns the words written. */
int64_t planes_encode(const uint16_t *weights, int64_t count, const uint8_t *slot_of, int levels,
                      const int *widths, int64_t first, int64_t last, uint8_t *signs,
                      uint32_t *payload, int32_t *lengths)
{
    Table table = load_table(slot_of);
    uint32_t *out = payload;
    uint8_t filler = levels == 1 ? 8 : 0;
    for (int64_t t = first; t < last; t++) {
        u64 slot[4][GROUPS], looking[GROUPS], tile[7 * GROUPS + 2] = {0}, place = 0;
        uint8_t exponents[TILE], raw[TILE + 64], *end = raw;
        for (int g = 0; g < GROUPS; g++) {
            int64_t at = t * TILE + 64 * g, left = count - at;
            u64 s[4];
            if (left >= 64) {
                part(weights + at, &table, signs + at, exponents + 64 * g, s);
            } else {
                uint16_t some[64] = {0};
                uint8_t sign[64];
                if (left > 0) memcpy(some, weights + at, 2 * left);
                part(some, &table, sign, exponents + 64 * g, s);
                if (left > 0) memcpy(signs + at, sign, left);
                u64 real = left > 0 ? ((u64)1 << left) - 1 : 0;
                for (int b = 0; b < 4; b++) s[b] = (s[b] & real) | (filler >> b & 1 ? ~real : 0);
            }
            for (int b = 0; b < 4; b++) slot[b][g] = s[b];
            looking[g] = ~(u64)0;
        }
        for (int depth = 0; depth < levels; depth++) {
            int width = widths[depth];
            u64 beyond[GROUPS];
            for (int g = 0; g < GROUPS; g++) {
                /* Slots of three bits are 8 to 15, those of a second level of two 4 to 6. */
                if (width == 3) beyond[g] = slot[0][g] & slot[1][g] & slot[2][g] & slot[3][g];
                else if (depth == 0) beyond[g] = slot[2][g] | slot[3][g];
                else beyond[g] = slot[3][g];
                beyond[g] &= looking[g];
            }
            for (int b = 0; b < width; b++)
                for (int g = 0; g < GROUPS; g++)
                    put(tile, &place, gather(slot[b][g] | beyond[g], looking[g]), ones(looking[g]));
            memcpy(looking, beyond, sizeof beyond);
        }
        for (int g = 0; g < GROUPS; g++)
            if (looking[g]) end = keep(exponents + 64 * g, looking[g], end);
        int64_t words = (place + 31) / 32, bytes = end - raw;
        memcpy(out, tile, words * 4);
        memset(raw + bytes, 0, 3);
        memcpy(out + words, raw, (bytes + 3) / 4 * 4);
        words += (bytes + 3) / 4;
        lengths[t - first] = (int32_t)words;
        out += words;
    }
    return out - payload;
}
