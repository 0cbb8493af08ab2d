#include "pace.h"

#define REPEATS UINT32_C(0x80000000)

#if FPY_PROFILING_SLOWS_PYTHON

#include <math.h>
#include <opcode.h>

#define OPCODES 256
#define TURNS 8.0      /* of a loop: by programs, docs/measurements.md */
#define IN_LOOPS 0.7   /* likewise, of what instructions take in code without loops */
#define MOST_NESTED 20 /* loops; those further in count as the 20th */

/* What it takes beyond USUALLY_LOST while there is a profile function, and beyond
 * USUALLY_TAKEN without one. Of what depends on types (a look-up, an operator) it is a
 * mean over what programs use it for. */
typedef struct {
    short lost;
    short taken;
} weight;

#ifdef CACHE /* Python 3.11 */
#define USUALLY_LOST 35
#define USUALLY_TAKEN 30
static const weight weights[OPCODES] = {
    [CACHE] = {-USUALLY_LOST, -USUALLY_TAKEN},
    [POP_TOP] = {0, -18},
    [PUSH_NULL] = {0, -30},
    [NOP] = {0, -27},
    [RESUME] = {0, -20},
    [PRECALL] = {0, -30},
    [KW_NAMES] = {0, -30},
    [COPY] = {0, -25},
    [SWAP] = {0, -25},
    [LOAD_FAST] = {0, -18},
    [STORE_FAST] = {0, -18},
    [LOAD_CONST] = {0, -18},
    [LOAD_DEREF] = {0, -15},
    [STORE_DEREF] = {0, -10},
    [LOAD_GLOBAL] = {75, -5},
    [LOAD_ATTR] = {95, 10},
    [LOAD_METHOD] = {95, -20},
    [STORE_ATTR] = {145, 20},
    [UNPACK_SEQUENCE] = {325, 0},
    [BINARY_OP] = {30, 25},
    [BINARY_SUBSCR] = {55, 15},
    [STORE_SUBSCR] = {55, 30},
    [DELETE_SUBSCR] = {0, 170},
    [COMPARE_OP] = {5, 10},
    [CONTAINS_OP] = {10, 130},
    [UNARY_NOT] = {0, 25},
    [POP_JUMP_FORWARD_IF_FALSE] = {0, -10},
    [POP_JUMP_FORWARD_IF_TRUE] = {0, -10},
    [POP_JUMP_FORWARD_IF_NONE] = {0, -10},
    [POP_JUMP_FORWARD_IF_NOT_NONE] = {0, -10},
    [GET_ITER] = {0, 120},
    [FOR_ITER] = {5, 30},
    [JUMP_BACKWARD] = {5, -20},
    [CALL] = {10, -30},
    [CALL_FUNCTION_EX] = {0, 170},
    [MAKE_FUNCTION] = {0, 420},
    [RETURN_GENERATOR] = {0, 270},
    [YIELD_VALUE] = {0, 20},
    [RAISE_VARARGS] = {0, 1470},
    [RERAISE] = {0, 470},
    [PUSH_EXC_INFO] = {0, 70},
    [CHECK_EXC_MATCH] = {0, 70},
    [POP_EXCEPT] = {0, 70},
    [IMPORT_NAME] = {0, 1970},
    [BUILD_TUPLE] = {-30, 230},
    [BUILD_LIST] = {-30, 270},
    [BUILD_SET] = {-30, 570},
    [BUILD_MAP] = {-30, 390},
    [BUILD_CONST_KEY_MAP] = {-30, 470},
    [BUILD_SLICE] = {0, 370},
    [BUILD_STRING] = {0, 370},
    [FORMAT_VALUE] = {0, 270},
    [LIST_APPEND] = {0, 20},
    [SET_ADD] = {0, 170},
    [MAP_ADD] = {0, 170},
    [LIST_TO_TUPLE] = {0, 170},
    [LIST_EXTEND] = {0, 370},
    [SET_UPDATE] = {0, 370},
    [DICT_UPDATE] = {0, 370},
    [DICT_MERGE] = {0, 370},
};
#else
#define USUALLY_LOST 25
#define USUALLY_TAKEN 40
static const weight weights[OPCODES] = {
    [NOP] = {0, -30},
    [POP_TOP] = {0, -20},
    [LOAD_FAST] = {0, -20},
    [STORE_FAST] = {0, -20},
    [LOAD_CONST] = {0, -20},
    [LOAD_ATTR] = {0, 210},
    [LOAD_METHOD] = {0, 60},
    [STORE_ATTR] = {0, 410},
    [BINARY_SUBSCR] = {0, 130},
    [STORE_SUBSCR] = {0, 140},
    [DELETE_SUBSCR] = {0, 160},
    [BINARY_ADD] = {0, 110},
    [BINARY_SUBTRACT] = {0, 80},
    [BINARY_MULTIPLY] = {0, 110},
    [BINARY_TRUE_DIVIDE] = {0, 130},
    [BINARY_FLOOR_DIVIDE] = {0, 90},
    [BINARY_MODULO] = {0, 120},
    [BINARY_POWER] = {0, 360},
    [INPLACE_ADD] = {0, 110},
    [INPLACE_SUBTRACT] = {0, 80},
    [INPLACE_MULTIPLY] = {0, 110},
    [COMPARE_OP] = {0, 90},
    [CONTAINS_OP] = {0, 160},
    [FOR_ITER] = {0, 90},
    [CALL_FUNCTION_EX] = {0, 160},
    [MAKE_FUNCTION] = {0, 410},
    [YIELD_VALUE] = {0, 10},
    [RAISE_VARARGS] = {0, 1460},
    [RERAISE] = {0, 460},
    [IMPORT_NAME] = {0, 2000},
    [BUILD_TUPLE] = {0, 380},
    [BUILD_LIST] = {0, 500},
    [BUILD_SET] = {0, 560},
    [BUILD_MAP] = {0, 640},
    [BUILD_CONST_KEY_MAP] = {0, 640},
    [BUILD_SLICE] = {0, 500},
    [BUILD_STRING] = {0, 360},
    [FORMAT_VALUE] = {0, 260},
    [LIST_APPEND] = {0, 60},
    [SET_ADD] = {0, 160},
    [MAP_ADD] = {0, 160},
    [LIST_TO_TUPLE] = {0, 160},
    [LIST_EXTEND] = {0, 360},
    [SET_UPDATE] = {0, 360},
    [DICT_UPDATE] = {0, 360},
    [DICT_MERGE] = {0, 360},
};
#endif

/* The instructions as compiled: pairs of opcode and argument. */
typedef struct {
    PyObject *bytes;
    const unsigned char *units;
    int count;
} instructions;

static bool
read_instructions(PyCodeObject *code, instructions *read)
{
    read->bytes = fpy_instructions_of(code);
    if (read->bytes == NULL) {
        PyErr_Clear(); /* without memory there is nothing to be said */
        return false;
    }
    read->units = (const unsigned char *)PyBytes_AS_STRING(read->bytes);
    read->count = (int)(PyBytes_GET_SIZE(read->bytes) / 2);
    return true;
}

static int
opcode_at(const instructions *code, int at)
{
    return code->units[2 * at];
}

/* Where an instruction goes on, if that is further up: with each time it comes there
 * the instructions from there on run once more; else -1. Waiting for what another
 * generator yields is no such thing, for each of its turns is a call. */
static int
jumps_back_to(const instructions *code, int at)
{
    const uint32_t argument = fpy_argument_at(code->units, at);
    int64_t target;

    switch (opcode_at(code, at)) {
#ifdef CACHE
    case JUMP_BACKWARD:
    case POP_JUMP_BACKWARD_IF_NONE:
    case POP_JUMP_BACKWARD_IF_NOT_NONE:
    case POP_JUMP_BACKWARD_IF_TRUE:
    case POP_JUMP_BACKWARD_IF_FALSE:
        target = (int64_t)at + 1 - argument;
        break;
#else
    case JUMP_ABSOLUTE:
    case POP_JUMP_IF_TRUE:
    case POP_JUMP_IF_FALSE:
    case JUMP_IF_TRUE_OR_POP:
    case JUMP_IF_FALSE_OR_POP:
    case JUMP_IF_NOT_EXC_MATCH:
        target = argument;
        break;
#endif
    default:
        return -1;
    }
    return target >= 0 && target <= at ? (int)target : -1;
}

static bool
yields(const instructions *code, int first, int last)
{
    for (int i = first; i <= last; i++) {
        const int opcode = opcode_at(code, i);
#ifndef CACHE
        if (opcode == YIELD_FROM) {
            return true;
        }
#endif
        if (opcode == YIELD_VALUE) {
            return true;
        }
    }
    return false;
}

typedef struct {
    int first; /* of the first loop; there is none: more than */
    int last;  /* of the last one */
    bool repeats;
} loops;

static loops
find_loops(const instructions *code)
{
    loops found = {.first = code->count, .last = -1};

    for (int i = 0; i < code->count; i++) {
        const int target = jumps_back_to(code, i);
        if (target >= 0) {
            found.first = target < found.first ? target : found.first;
            found.last = i;
            found.repeats = found.repeats || !yields(code, target, i);
        }
    }
    return found;
}

/* What an instruction takes more for what it is about. */
static int
taken_by_kind(const instructions *code, int at)
{
    switch (opcode_at(code, at)) {
#ifdef CACHE
    case BINARY_OP:
        switch (fpy_argument_at(code->units, at)) {
        case NB_MULTIPLY:
        case NB_INPLACE_MULTIPLY:
            return 25;
        case NB_REMAINDER:
        case NB_INPLACE_REMAINDER:
            return 65;
        }
        return 0;
#endif
    case BINARY_SUBSCR:
    case STORE_SUBSCR:
        return at > 0 && opcode_at(code, at - 1) == BUILD_SLICE ? 400 : 0;
    }
    return 0;
}

static void
add_instruction(fp_pace *sum, const instructions *code, int at, double times)
{
    const weight *one = &weights[opcode_at(code, at)];

    sum->lost += times * (USUALLY_LOST + one->lost);
    sum->taken += times * (USUALLY_TAKEN + one->taken + taken_by_kind(code, at));
}

static fp_pace
sum_of(const instructions *code, int first, int last)
{
    fp_pace sum = {0};

    for (int i = first; i <= last; i++) {
        add_instruction(&sum, code, i, 1.0);
    }
    return sum;
}

/* The loops that an instruction is in, by where they begin, the innermost last. */
typedef struct {
    int begins[MOST_NESTED];
    int count;
} nest;

/* Read backwards a loop that begins further down is within those that are open; one
 * that begins where one of them does, or above, is the same: `while` may have two
 * jumps, one to its test and one behind that. */
static void
enter_loop(nest *in, int begin)
{
    const bool is_within = in->count == 0 || begin > in->begins[in->count - 1];

    if (is_within && in->count < MOST_NESTED) {
        in->begins[in->count++] = begin;
    }
}

static void
leave_loop(nest *in, int begin)
{
    if (in->count > 0 && in->begins[in->count - 1] == begin) {
        in->count--;
    }
}

/* How often a loop repeats is not known, but that it does: each instruction counts once
 * in the innermost of all loops, and further out by so much less. */
static fp_pace
sum_by_loops(const instructions *code)
{
    fp_pace sum = {0};
    nest in = {.count = 0};
    double most = 1.0;

    for (int i = code->count - 1; i >= 0; i--) {
        const int begin = jumps_back_to(code, i);
        if (begin >= 0) {
            enter_loop(&in, begin);
        }
        const double times = pow(TURNS, in.count);
        most = times > most ? times : most;
        add_instruction(&sum, code, i, times);
        leave_loop(&in, i);
    }
    sum.lost /= most;
    sum.taken *= IN_LOOPS / most;
    return sum;
}

fp_pace
fpy_pace_of(PyCodeObject *code)
{
    fp_pace pace = {0};
    instructions read;

    if (read_instructions(code, &read)) {
        const loops found = find_loops(&read);
        if (found.repeats) {
            pace = sum_by_loops(&read);
            pace.repeats = true;
        } else if (found.last >= 0) { /* of a generator */
            pace = sum_of(&read, found.first, found.last);
        } else {
            pace = sum_of(&read, 0, read.count - 1);
        }
        Py_DECREF(read.bytes);
    }
    return pace;
}

fp_pace
fpy_pace_of_loops(PyCodeObject *code)
{
    fp_pace pace = {0};
    instructions read;

    if (read_instructions(code, &read)) {
        const loops found = find_loops(&read);
        pace = sum_of(&read, found.first, found.last);
        pace.taken *= IN_LOOPS;
        Py_DECREF(read.bytes);
    }
    return pace;
}

#else

fp_pace
fpy_pace_of(PyCodeObject *Py_UNUSED(code))
{
    return (fp_pace){0};
}

fp_pace
fpy_pace_of_loops(PyCodeObject *Py_UNUSED(code))
{
    return (fp_pace){0};
}

#endif

/* ---- bytes ---- */

static void
put_number(unsigned char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (unsigned char)(number >> (8 * i));
    }
}

static uint32_t
number_at(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Of a code of millions of instructions. */
static uint32_t
capped(double sum)
{
    return sum < REPEATS - 1 ? (uint32_t)sum : REPEATS - 1;
}

void
fpy_pace_write(unsigned char *at, fp_pace pace)
{
    put_number(at, capped(pace.lost) | (pace.repeats ? REPEATS : 0));
    put_number(at + FPY_PACE_SIZE / 2, capped(pace.taken));
}

fp_pace
fpy_pace_read(const unsigned char *at)
{
    return (fp_pace){
        .lost = number_at(at) & ~REPEATS,
        .taken = number_at(at + FPY_PACE_SIZE / 2),
        .repeats = (number_at(at) & REPEATS) != 0,
    };
}
