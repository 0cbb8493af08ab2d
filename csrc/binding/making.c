#include "making.h"

#ifdef FPY_HAVE_MONITORING

#ifdef Py_TPFLAGS_INLINE_VALUES /* Python 3.13 and newer */

/* The arguments of a call without keywords; -1: it is another kind of call. */
static int
argument_count(PyCodeObject *code, PyObject *offset)
{
    const unsigned char *unit =
        (const unsigned char *)code->co_code_adaptive + PyLong_AsLong(offset);

    return unit[0] == INSTRUMENTED_CALL ? unit[1] : -1;
}

static bool
is_plain_function(PyObject *function, int arguments)
{
    const int unwanted = CO_VARARGS | CO_VARKEYWORDS;
    const PyCodeObject *code;

    if (function == NULL || !PyFunction_Check(function)) {
        return false;
    }
    code = (PyCodeObject *)PyFunction_GET_CODE(function);
    return code->co_argcount == arguments && code->co_kwonlyargcount == 0 &&
           (code->co_flags & unwanted) == 0;
}

/* Whether the interpreter has an instruction for it, where it is not told of calls: as
 * `_Py_Specialize_Call` judges. */
static bool
makes_plainly(const fpy_names *names, PyObject *const *args)
{
    PyTypeObject *type = (PyTypeObject *)args[2];
    int count;

    if (type->tp_new != PyBaseObject_Type.tp_new ||
        !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ||
        !PyType_HasFeature(type, Py_TPFLAGS_INLINE_VALUES) ||
        !Py_IS_TYPE(type, &PyType_Type)) {
        return false;
    }
    count = argument_count((PyCodeObject *)args[0], args[1]);
    return count >= 0 &&
           is_plain_function(_PyType_Lookup(type, names->init), count + 1);
}

#else

static bool
makes_plainly(const fpy_names *Py_UNUSED(names), PyObject *const *Py_UNUSED(args))
{
    return false;
}

#endif

/* Beyond those of any class. */
static uint32_t
more_asides(const fpy_session *session, PyObject *const *args)
{
    const fpy_calibration *calibration = session->calibration;

    if (args[2] == (PyObject *)&PySuper_Type) {
        return calibration->asides_of_super;
    }
    return makes_plainly(&session->state->names, args) ? calibration->asides_of_instance
                                                       : 0;
}

void
fpy_count_class_call(fpy_recorder *recorder, PyObject *const *args)
{
    fpy_session *session = fpy_session_held(recorder->session);
    const uint32_t more = more_asides(session, args);
    const uint32_t all = session->calibration->asides_of_class + more;

    fp_recorder_aside(&recorder->engine, all > FPY_ASIDE ? all - FPY_ASIDE : 0);
    Py_DECREF(session->owner);
}

#endif
