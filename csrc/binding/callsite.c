#include "callsite.h"

#ifdef FPY_HAVE_MONITORING

#define LONGEST_WAY 400 /* instructions of the arguments */

/* Where one stands in the instructions of a code object, as compiled. */
typedef struct {
    const unsigned char *units; /* pairs of opcode and argument */
    int at;
} place;

static int
opcode_at(const place *here)
{
    return here->units[2 * here->at];
}

static int
argument_at(const place *here)
{
    return (int)fpy_argument_at(here->units, here->at);
}

/* To the instruction before; false: there is none. */
static bool
step_back(place *here)
{
    do {
        here->at--;
    } while (here->at >= 0 &&
             (opcode_at(here) == CACHE || opcode_at(here) == EXTENDED_ARG));
    return here->at >= 0;
}

/* Whether what follows may not be what runs next. */
static bool
may_jump(int opcode)
{
    switch (opcode) {
    case JUMP_FORWARD:
    case JUMP_BACKWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
    case POP_JUMP_IF_FALSE:
    case POP_JUMP_IF_TRUE:
    case POP_JUMP_IF_NONE:
    case POP_JUMP_IF_NOT_NONE:
    case FOR_ITER:
    case SEND:
        return true;
    default:
        return false;
    }
}

/* From a call back to the instruction that put its callable on the stack: behind it the
 * stack is as high as before the call, less the arguments. False: it was not found. */
static bool
find_callable(place *here)
{
    int above = argument_at(here);

#ifdef CALL_KW
    above += opcode_at(here) == CALL_KW; /* the names of the arguments */
#endif
    for (int steps = 0; steps < LONGEST_WAY && step_back(here); steps++) {
        if (above == 0) {
            return opcode_at(here) != PUSH_NULL || step_back(here);
        }
        if (may_jump(opcode_at(here))) {
            return false;
        }
        above -= PyCompile_OpcodeStackEffect(opcode_at(here), argument_at(here));
    }
    return false;
}

static bool
is_call(int opcode)
{
#ifdef CALL_KW
    if (opcode == CALL_KW) {
        return true;
    }
#endif
    return opcode == CALL;
}

/* The place of the name among the code's names; -1: it is not loaded by one. */
static int
name_index(const place *here)
{
    switch (opcode_at(here)) {
    case LOAD_GLOBAL:
    case LOAD_ATTR:
        return argument_at(here) >> 1;
    case LOAD_NAME:
        return argument_at(here);
    case LOAD_SUPER_ATTR:
        return argument_at(here) >> 2;
    default:
        return -1;
    }
}

PyObject *
fpy_loaded_name(PyCodeObject *code, int offset)
{
    PyObject *type, *value, *traceback;
    PyObject *bytes, *name = NULL;
    place here;

    PyErr_Fetch(&type, &value, &traceback);
    bytes = PyCode_GetCode(code);
    if (bytes != NULL && offset >= 0 && offset + 1 < PyBytes_GET_SIZE(bytes)) {
        here = (place){(const unsigned char *)PyBytes_AS_STRING(bytes), offset / 2};
        if (is_call(opcode_at(&here)) && find_callable(&here)) {
            const int index = name_index(&here);
            if (index >= 0 && index < PyTuple_GET_SIZE(code->co_names)) {
                name = PyTuple_GET_ITEM(code->co_names, index);
            }
        }
    }
    Py_XDECREF(bytes);
    PyErr_Restore(type, value, traceback);
    return name;
}

#else

PyObject *
fpy_loaded_name(PyCodeObject *Py_UNUSED(code), int Py_UNUSED(offset))
{
    return NULL;
}

#endif
