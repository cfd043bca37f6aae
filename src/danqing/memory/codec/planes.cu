/* The decoder of format.py for GPUs: one warp decodes a tile, and tiles share nothing.
 *
 * First each lane finds the palette's entry ("slot") of 32 weights in a row, as four words with a
 * bit for each weight. Its part of a level's planes begins after as many bits as the lanes before
 * it have weights that look there, and is spread to where its own weights look. Then slots change
 * lanes through shared memory, so that each lane writes eight weights beside its neighbour's.
 *
 * Nothing is checked: a tile that is not as long as its codes say would be read beyond its end.
 * NVRTC or HIPRTC compile this for cuda.py, and a C++ compiler does for tests.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define TILE 1024
#define WARPS 4 /* of a block */
#define STEPS 4 /* of a warp that takes eight weights a lane */
#define ALL 0xFFFFFFFFu

#ifdef __HIP__ /* A wave may have 64 lanes: two warps that do not talk. */
#define from_lane(value, lane) __shfl(value, lane, 32)
#define from_below(value, by) __shfl_up(value, by, 32)
#define in_any_lane(value) __any(value)
#define meet() \
    (__builtin_amdgcn_fence(__ATOMIC_ACQ_REL, "wavefront"), __builtin_amdgcn_wave_barrier())
#else
#define from_lane(value, lane) __shfl_sync(ALL, value, lane)
#define from_below(value, by) __shfl_up_sync(ALL, value, by)
#define in_any_lane(value) __any_sync(ALL, value)
#define meet() __syncwarp()
#endif

/* Four of the eight bytes of two words, each named by three bits of a nibble of `which`. */
static __device__ u32 pick(u32 low, u32 high, u32 which)
{
#if defined(__CUDA_ARCH__) /* __byte_perm would first clear the fourth bits, which is not needed. */
    u32 out;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(out) : "r"(low), "r"(high), "r"(which));
    return out;
#elif defined(__HIP__)
    which = (which & 0xFF) | (which & 0xFF00) << 8;
    return __builtin_amdgcn_perm(high, low, (which | which << 4) & 0x07070707);
#else
    return __byte_perm(low, high, which);
#endif
}

/* The bits of b where the mask has ones, of a where it has zeros. */
static __device__ u32 choose(u32 a, u32 b, u32 mask)
{
#if defined(__CUDA_ARCH__) /* Of the expression below compilers make two or three. */
    u32 out;
    asm("lop3.b32 %0, %1, %2, %3, 0xCA;" : "=r"(out) : "r"(mask), "r"(b), "r"(a));
    return out;
#else
    return (a & ~mask) | (b & mask);
#endif
}

/* 32 bits from any bit on. */
static __device__ u32 peek(const u32 *words, u32 at)
{
    return __funnelshift_r(words[at >> 5], words[(at >> 5) + 1], at);
}

/* How many the lanes before have, and all together. */
static __device__ u32 count_before(u32 own, u32 lane, u32 *all)
{
    u32 sum = own;
#pragma unroll
    for (u32 by = 1; by < 32; by *= 2) {
        u32 below = from_below(sum, by);
        if (lane >= by) sum += below;
    }
    *all = from_lane(sum, 31);
    return sum - own;
}

/* Brings the lowest bits of a word, in order, to the ones of a mask, as pdep does on a CPU. Shifts
 * bring each byte its bits; inside it they move by 4, 2 and 1, as the number of zeros below says
 * ("expand" in Hacker's Delight, 7-5). A loop over the ones would have a warp wait for the lane
 * that has most. */
struct Spread {
    u32 mask, below[3], moves[3];

    __device__ explicit Spread(u32 to) : mask(to)
    {
        u32 left = mask, zeros = ~mask << 1 & 0xFEFEFEFE;
#pragma unroll
        for (int i = 0; i < 3; i++) {
            below[i] = __popc(mask & (ALL >> (24 - 8 * i)));
            u32 odd = zeros ^ (zeros << 1 & 0xFEFEFEFE);
            odd ^= odd << 2 & 0xFCFCFCFC;
            odd ^= odd << 4 & 0xF0F0F0F0;
            moves[i] = odd & left;
            left = (left ^ moves[i]) | moves[i] >> (1 << i);
            zeros &= ~odd;
        }
    }

    __device__ u32 operator()(u32 bits) const
    {
        u32 lower = pick(bits, bits >> below[0], 0x40);
        u32 upper = pick(bits >> below[1], bits >> below[2], 0x40);
        bits = pick(lower, upper, 0x5410);
#pragma unroll
        for (int i = 2; i >= 0; i--) bits = choose(bits, bits << (1 << i), moves[i]);
        return bits & mask;
    }
};

/* Exchanges the upper half of each field of `low` with the lower half of that of `high`. */
static __device__ void exchange(u32 &low, u32 &high, int by, u32 lower_halves)
{
    u32 first = choose(high << by, low, lower_halves);
    high = choose(high, low >> by, lower_halves);
    low = first;
}

/* Decodes the tiles [first, last) of a tensor that fills `full` tiles and has `rest` weights more.
 * A block has WARPS warps, and there must be a warp for each of these tiles. */
extern "C" __global__ void __launch_bounds__(32 * WARPS)
planes_decode(const u8 *__restrict__ signs, const u32 *__restrict__ payload,
              const int *__restrict__ offsets, const u8 *__restrict__ palette, u16 *out,
              int levels, int first, int last, int full, int rest)
{
    __shared__ uint4 rooms[WARPS][33];
    const u32 lane = threadIdx.x & 31;
    uint4 *const room = rooms[threadIdx.x >> 5];
    const int number = first + (int)(blockIdx.x * WARPS + (threadIdx.x >> 5));
    if (number >= last) return;
    const u32 *const tile = payload + offsets[number];
    signs += (u64)number * TILE;
    out += (u64)number * TILE;
    const u32 left = number < full ? TILE : rest;
    const bool whole = left == TILE && (((u64)signs & 7) | ((u64)out & 15)) == 0;

    /* Asked for long before they are needed. */
    uint2 own[STEPS];
    if (whole) {
#pragma unroll
        for (int step = 0; step < STEPS; step++)
            own[step] = ((const uint2 *)signs)[32 * step + lane];
    } else {
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
            const u32 at = 256 * step + 8 * lane;
            own[step] = make_uint2(0, 0);
            for (u32 i = 0; i < 8 && at + i < left; i++)
                (i < 4 ? own[step].x : own[step].y) |= (u32)signs[at + i] << (8 * i & 31);
        }
    }
    /* Exponents, turned: their lowest bit becomes the highest, as in a weight's lower byte. */
    if (lane < 16) ((u8 *)(room + 32))[lane] = (u8)(palette[lane] >> 1 | palette[lane] << 7);

    u32 slot[4] = {0, 0, 0, 0}, mask = ALL, begin = 32 * lane, count = TILE, place = 0;
    if (levels > 1) {
        u32 a = tile[lane], b = tile[32 + lane];
        mask = a & b;
        slot[0] = a ^ mask, slot[1] = b ^ mask;
        place = 2 * TILE;
        begin = count_before(__popc(mask), lane, &count);
    }
    if (levels > 2) {
        const Spread spread(mask);
        u32 a = spread(peek(tile, place + begin)), b = spread(peek(tile, place + count + begin));
        slot[2] = mask;
        mask = a & b;
        slot[0] |= a ^ mask, slot[1] |= b ^ mask, slot[2] ^= mask;
        place += 2 * count;
        begin = count_before(__popc(mask), lane, &count);
    }
    const Spread spread(mask);
    u32 raw = mask;
#pragma unroll
    for (int bit = 0; bit < 3; bit++) {
        u32 plane = spread(peek(tile, place + bit * count + begin));
        slot[bit] |= plane;
        raw &= plane;
    }
    slot[3] = mask;
    place += 3 * count;

    /* Nibbles: a word has every fourth slot, then eight in a row, ordered 0 4 1 5 2 6 3 7. */
    exchange(slot[0], slot[1], 1, 0x55555555), exchange(slot[2], slot[3], 1, 0x55555555);
    exchange(slot[0], slot[2], 2, 0x33333333), exchange(slot[1], slot[3], 2, 0x33333333);
    u32 a = pick(slot[0], slot[1], 0x5140), b = pick(slot[2], slot[3], 0x5140);
    u32 c = pick(slot[0], slot[1], 0x7362), d = pick(slot[2], slot[3], 0x7362);
    room[lane] = make_uint4(pick(a, b, 0x5410), pick(a, b, 0x7632),
                            pick(c, d, 0x5410), pick(c, d, 0x7632));
    meet();

    const uint4 exponents = room[32];
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
        const u32 slots = ((const u32 *)room)[32 * step + lane];
        /* Slots from 8 on are looked up as such; then `side` takes each weight's from its side. */
        const u32 upper = slots & 0x77777777, side = (slots >> 1 & 0x44444444) | 0x32103210;
        u32 pairs[4];
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const int by = 16 * half;
            u32 exponent = pick(pick(exponents.x, exponents.y, slots >> by),
                                pick(exponents.z, exponents.w, upper >> by), side >> by);
            u32 sign = pick(own[step].x, own[step].y, half ? 0x7362 : 0x5140);
            u32 high = choose(exponent, sign, 0x80808080);
            u32 low = choose(sign, exponent, 0x80808080);
            pairs[half] = pick(low, high, 0x6240);
            pairs[2 + half] = pick(low, high, 0x7351);
        }
        if (whole) {
            ((uint4 *)out)[32 * step + lane] = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
        } else {
            const u32 at = 256 * step + 8 * lane;
#pragma unroll
            for (int i = 0; i < 8; i++)
                if (at + i < left) out[at + i] = (u16)(pairs[i / 2] >> 16 * (i & 1));
        }
    }

    /* Raw exponents are rare: they are put into what is written by now. */
    if (in_any_lane(raw)) {
        begin = count_before(__popc(raw), lane, &count);
        const u8 *exponent = (const u8 *)(tile + (place + 31) / 32) + begin;
        meet();
        for (; raw; raw &= raw - 1, exponent++) {
            const u32 at = 32 * lane + __ffs(raw) - 1;
            if (at < left)
                out[at] = (u16)((signs[at] & 0x80) << 8 | *exponent << 7 | (signs[at] & 0x7F));
        }
    }
}
