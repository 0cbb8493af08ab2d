/* Preloaded in front of malloc: what one library asks for is refused at random. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

static uintptr_t from, to;
static uint64_t state, refused;
static unsigned one_in;

/* Watches what lies between two addresses; one_in 0: nothing is refused any more.
 * Answers how often memory was refused since the last time. */
uint64_t
watch(void *begin, void *end, uint64_t seed, unsigned every)
{
    const uint64_t before = refused;

    from = (uintptr_t)begin;
    to = (uintptr_t)end;
    state = seed * 2 + 1;
    one_in = every;
    refused = 0;
    return before;
}

static int
is_refused(void *caller)
{
    if (one_in == 0 || (uintptr_t)caller < from || (uintptr_t)caller >= to) {
        return 0;
    }
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    if ((state >> 33) % one_in != 0) {
        return 0;
    }
    refused++;
    return 1;
}

void *
malloc(size_t size)
{
    static void *(*real)(size_t);

    if (real == NULL) {
        real = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    }
    return is_refused(__builtin_return_address(0)) ? NULL : real(size);
}

void *
realloc(void *block, size_t size)
{
    static void *(*real)(void *, size_t);

    if (real == NULL) {
        real = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    }
    return is_refused(__builtin_return_address(0)) ? NULL : real(block, size);
}
