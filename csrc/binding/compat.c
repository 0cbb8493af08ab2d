#include <patchlevel.h>
#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030E0000
/* For the layout of the lock, which is fixed in each 3.N; before Python.h, since 3.12's
 * headers define some functions twice otherwise. */
#define Py_BUILD_CORE
#include <Python.h>
#include <internal/pycore_interp.h>
#endif

#include "compat.h"

#ifdef FPY_KNOWS_RUNNING_THREAD
PyThreadState *const volatile *
fpy_running_thread_address(void)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();

    /* One that shares the lock of another may run without having taken it. */
    if (interpreter != PyInterpreterState_Main() || interpreter->ceval.gil == NULL) {
        return NULL;
    }
    return (PyThreadState *const volatile *)&interpreter->ceval.gil->last_holder;
}
#endif

#if PY_VERSION_HEX >= 0x030C0000
/* The interpreter keeps the bytes once they have been asked for. */
bool
fpy_is_yield_at(PyCodeObject *code, int offset)
{
    PyObject *type, *value, *traceback, *bytes;
    bool answer = false;

    PyErr_Fetch(&type, &value, &traceback);
    bytes = PyCode_GetCode(code);
    if (bytes != NULL && offset >= 0 && offset + 1 < PyBytes_GET_SIZE(bytes)) {
        const unsigned char *at =
            (const unsigned char *)PyBytes_AS_STRING(bytes) + offset;
        answer = fpy_is_yield(at[0], at[1]);
    }
    Py_XDECREF(bytes);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    return answer;
}
#endif
