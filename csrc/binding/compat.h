/* compat.h -- the only place that asks for the Python version. */
#ifndef FPY_COMPAT_H
#define FPY_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>
#include <opcode.h>
#include <structmember.h>
#if PY_VERSION_HEX >= 0x030B0000
#define Py_BUILD_CORE /* for the layout of a frame, which is fixed in each 3.N */
#include <internal/pycore_frame.h>
#if PY_VERSION_HEX >= 0x030E0000
#include <internal/pycore_interpframe_structs.h>
#endif
#undef Py_BUILD_CORE
#endif

#include <stdbool.h>

#if PY_VERSION_HEX < 0x030A0000
#error "fastprof needs CPython 3.10 or newer"
#endif

#if PY_VERSION_HEX >= 0x030D0000
/* Sets the profile function of any thread of this interpreter. Declared for extensions
 * up to 3.12; later ones still export it, but moved the line to an internal header. */
PyAPI_FUNC(int)
    _PyEval_SetProfile(PyThreadState *tstate, Py_tracefunc func, PyObject *arg);
#endif

/* The frame's code, borrowed: it lives as long as the frame. Read where it lies, for
 * every call asks: PyFrame_GetCode is a call, and gives a reference to be dropped. */
static inline PyCodeObject *
fpy_frame_code(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030E0000
    const uintptr_t tag = 3; /* whether the frame owns a reference */
    return (PyCodeObject *)(frame->f_frame->f_executable.bits & ~tag);
#elif PY_VERSION_HEX >= 0x030D0000
    return (PyCodeObject *)frame->f_frame->f_executable;
#elif PY_VERSION_HEX >= 0x030B0000
    return frame->f_frame->f_code;
#else
    return frame->f_code;
#endif
}

static inline bool
fpy_is_generator(const PyCodeObject *code)
{
    return (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
}

#if PY_VERSION_HEX >= 0x030B0000
/* Whether an instruction is one that yields, or, which is where a frame that goes on
 * may be, the one behind that: RESUME tells in its argument what it is for, and 0 is
 * the begin of a function. */
static inline bool
fpy_is_yield(int opcode, int argument)
{
#if PY_VERSION_HEX < 0x030C0000
    opcode = opcode == RESUME_QUICK ? RESUME : opcode;
#endif
    return opcode == YIELD_VALUE || (opcode == RESUME && (argument & 3) != 0);
}

#if PY_VERSION_HEX >= 0x030C0000
/* The same of the one at an offset (in bytes). */
bool fpy_is_yield_at(PyCodeObject *code, int offset);
#endif

static inline bool
fpy_frame_is_at_yield(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030C0000
    return fpy_is_yield_at(fpy_frame_code(frame), PyFrame_GetLasti(frame));
#else
    const _Py_CODEUNIT at = *frame->f_frame->prev_instr;
    return fpy_is_yield(_Py_OPCODE(at), _Py_OPARG(at));
#endif
}
#endif

/* Whether a generator's frame that is about to run has run before, and yielded. */
static inline bool
fpy_frame_goes_on(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030B0000
    return fpy_frame_is_at_yield(frame);
#else
    return frame->f_lasti >= 0;
#endif
}

/* Whether a generator's frame that is about to be left, and by no exception, may run
 * again. */
static inline bool
fpy_frame_yields(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030B0000
    return fpy_frame_is_at_yield(frame);
#else
    return frame->f_state == FRAME_SUSPENDED;
#endif
}

/* A new reference. */
static inline PyObject *
fpy_frame_globals(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030B0000
    return PyFrame_GetGlobals(frame);
#else
    Py_INCREF(frame->f_globals);
    return frame->f_globals;
#endif
}

/* Borrowed. 3.10 knows no qualified names. */
static inline PyObject *
fpy_code_qualname(PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030B0000
    return code->co_qualname;
#else
    return code->co_name;
#endif
}

/* A slot that is bound to an object (`[].__len__`) is this, in descrobject.c. */
typedef struct {
    PyObject_HEAD
    PyObject *slot;
    PyObject *self;
} fpy_method_wrapper;

/* The slot wrapper (`list.__len__`) inside; borrowed. */
static inline PyObject *
fpy_wrapped_slot(PyObject *method_wrapper)
{
    return ((fpy_method_wrapper *)method_wrapper)->slot;
}

#if PY_VERSION_HEX >= 0x030C0000
#define FPY_HAVE_MONITORING 1

/* The calling thread's state; borrowed. */
static inline PyThreadState *
fpy_current_thread(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyThreadState_GetUnchecked();
#else
    return _PyThreadState_UncheckedGet();
#endif
}

#if PY_VERSION_HEX < 0x030E0000
#define FPY_KNOWS_RUNNING_THREAD 1
/* Where the interpreter keeps the state of the thread that holds its lock: to be read
 * without a call, which would make two, to a thread-local variable of a shared library.
 * NULL where it is not known. */
PyThreadState *const volatile *fpy_running_thread_address(void);
#endif

/* The frame that the thread runs. Its address is the same from a call's begin to its
 * end, through yield and resume. */
static inline struct _PyInterpreterFrame *
fpy_current_frame(const PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030D0000
    return thread->current_frame;
#else
    return thread->cframe->current_frame;
#endif
}

/* The frame that this one was called from; between them lies one of the interpreter's
 * own if it was called from C. */
static inline struct _PyInterpreterFrame *
fpy_previous_frame(const struct _PyInterpreterFrame *frame)
{
    return frame->previous;
}
#endif

/* Whether the interpreter takes longer for each instruction while it has a profile
 * function. */
#if PY_VERSION_HEX < 0x030C0000
#define FPY_PROFILING_SLOWS_PYTHON 1

/* The instructions as compiled, as bytes: a new reference. */
static inline PyObject *
fpy_instructions_of(PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030B0000
    return PyCode_GetCode(code);
#else
    return Py_NewRef(code->co_code);
#endif
}
#else
#define FPY_PROFILING_SLOWS_PYTHON 0
#endif

/* Of pairs of opcode and argument, the argument of the one at that place, with what the
 * pairs before it add. */
static inline uint32_t
fpy_argument_at(const unsigned char *units, int at)
{
    uint32_t argument = units[2 * at + 1];

    for (int i = 1; i <= 3 && i <= at; i++) {
        if (units[2 * (at - i)] != EXTENDED_ARG) {
            break;
        }
        argument |= (uint32_t)units[2 * (at - i) + 1] << (8 * i);
    }
    return argument;
}

/* NULL: it has ended. */
static inline PyThreadState *
fpy_thread_of_id(uint64_t id)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(PyInterpreterState_Get());

    while (thread != NULL && PyThreadState_GetID(thread) != id) {
        thread = PyThreadState_Next(thread);
    }
    return thread;
}

/* Whether a trace or profile function is told of what the thread does. */
static inline bool
fpy_has_trace_or_profile(const PyThreadState *thread)
{
    return thread->c_tracefunc != NULL || thread->c_profilefunc != NULL;
}

/* Whether a generator can be resumed without a call event: see hook_setprofile.c. */
static inline bool
fpy_resumes_may_be_unseen(void)
{
    return PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000;
}

/* Whether an event tells of the end of a call when the hook has raised at its begin. */
static inline bool
fpy_failed_calls_are_left(void)
{
    return PY_VERSION_HEX >= 0x030B0000;
}

/* Whether cProfile refuses to enable a profiler that is enabled already. */
static inline bool
fpy_enabling_twice_is_an_error(void)
{
    return PY_VERSION_HEX >= 0x030C0000;
}

#endif
