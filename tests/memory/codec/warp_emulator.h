/* Enough of CUDA to run a kernel of single warps on one thread of a CPU.
 *
 * The 32 lanes of a warp are coroutines that take turns: each runs up to its next warp intrinsic
 * and waits there until all have come. Within a turn lanes run in the order of a stride, so a
 * kernel that reads what another lane writes without meeting it first depends on that stride.
 * Lanes that meet at different intrinsics, or of which some have left, would hang or misread on a
 * GPU: `launch` returns 1 then.
 */
#pragma once
#include <csetjmp>
#include <cstdint>
#include <functional>
#include <ucontext.h>

#define __global__
#define __device__
#define __launch_bounds__(threads)
#define __shared__ static /* warps run one after the other */

struct alignas(8) uint2 { uint32_t x, y; };
struct alignas(16) uint4 { uint32_t x, y, z, w; };
static uint2 make_uint2(uint32_t x, uint32_t y) { return {x, y}; }
static uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) { return {x, y, z, w}; }
static struct { uint32_t x; } threadIdx, blockIdx;

namespace warp {

constexpr int LANES = 32, STACK = 1 << 16;
enum Meeting { NONE, SHUFFLE, SHUFFLE_UP, ANY, SYNC, LEFT };

static ucontext_t births[LANES];
static jmp_buf places[LANES], home;
alignas(64) static char stacks[LANES][STACK];
static bool born[LANES];
static Meeting met[LANES];
static uint32_t sent[2][LANES];
static int turn, current, warped, wrong;
static std::function<void()> body;

static void live()
{
    body();
    met[current] = LEFT;
    _longjmp(home, 1);
}

/* Let the other lanes come here too. What was sent stays until the turn after the next. */
static const uint32_t *meet(Meeting meeting, uint32_t value)
{
    const uint32_t *all = sent[turn & 1];
    sent[turn & 1][current] = value;
    met[current] = meeting;
    if (_setjmp(places[current]) == 0) _longjmp(home, 1);
    return all;
}

static void wake(int lane)
{
    current = lane;
    threadIdx.x = warped * LANES + lane;
    if (_setjmp(home)) return;
    if (born[lane]) _longjmp(places[lane], 1);
    born[lane] = true;
    getcontext(&births[lane]);
    births[lane].uc_stack.ss_sp = stacks[lane];
    births[lane].uc_stack.ss_size = STACK;
    births[lane].uc_link = nullptr;
    makecontext(&births[lane], live, 0);
    setcontext(&births[lane]);
}

static void run(int stride)
{
    for (int lane = 0; lane < LANES; lane++) born[lane] = false;
    do {
        for (int i = 0; i < LANES; i++) wake(i * stride & (LANES - 1));
        turn++;
        for (int lane = 1; lane < LANES; lane++) wrong |= met[lane] != met[0];
    } while (!wrong && met[0] != LEFT);
}

/* Run a kernel with all its arguments in so many blocks; `stride` is odd. */
static int launch(int blocks, int threads, int stride, std::function<void()> kernel)
{
    body = kernel;
    wrong = 0;
    for (int block = 0; block < blocks && !wrong; block++) {
        blockIdx.x = block;
        for (warped = 0; warped < threads / LANES && !wrong; warped++) run(stride);
    }
    return wrong;
}

} // namespace warp

static uint32_t __shfl_sync(uint32_t, uint32_t value, int lane)
{
    return warp::meet(warp::SHUFFLE, value)[lane & 31];
}
static uint32_t __shfl_up_sync(uint32_t, uint32_t value, int by)
{
    int from = warp::current - by, own = warp::current;
    return warp::meet(warp::SHUFFLE_UP, value)[from < 0 ? own : from];
}
static int __any_sync(uint32_t, int value)
{
    const uint32_t *all = warp::meet(warp::ANY, value != 0);
    uint32_t any = 0;
    for (int lane = 0; lane < warp::LANES; lane++) any |= all[lane];
    return any;
}
static void __syncwarp() { warp::meet(warp::SYNC, 0); }

static int __popc(uint32_t x) { return __builtin_popcount(x); }
static int __ffs(uint32_t x) { return __builtin_ffs(x); }
static uint32_t __funnelshift_r(uint32_t low, uint32_t high, uint32_t by)
{
    return (uint32_t)(((uint64_t)high << 32 | low) >> (by & 31));
}
/* As the instruction prmt: with its fourth bit a nibble asks for eight copies of a byte's sign. */
static uint32_t __byte_perm(uint32_t low, uint32_t high, uint32_t which)
{
    uint64_t both = (uint64_t)high << 32 | low;
    uint32_t out = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t nibble = which >> 4 * i & 15, byte = both >> 8 * (nibble & 7) & 255;
        out |= (nibble & 8 ? (byte >> 7) * 255 : byte) << 8 * i;
    }
    return out;
}

#ifdef __HIP__ /* What AMD calls the same things. */
static uint32_t __shfl(uint32_t value, int lane, int) { return __shfl_sync(0, value, lane); }
static uint32_t __shfl_up(uint32_t value, int by, int) { return __shfl_up_sync(0, value, by); }
static int __any(int value) { return __any_sync(0, value); }
#define __builtin_amdgcn_fence(order, scope) (void)0
#define __builtin_amdgcn_wave_barrier __syncwarp
/* The instruction v_perm_b32 names bytes by bytes, and those of its second argument first. */
#define __builtin_amdgcn_perm emulated_perm
static uint32_t emulated_perm(uint32_t high, uint32_t low, uint32_t which)
{
    uint64_t both = (uint64_t)high << 32 | low;
    uint32_t out = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t byte = which >> 8 * i & 255;
        out |= (uint32_t)(byte < 8 ? both >> 8 * byte & 255 : 0xA5) << 8 * i;
    }
    return out;
}
#endif
