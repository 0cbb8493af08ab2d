/* counting.c -- asks callgrind, which runs the interpreter, what a call has taken.
 *
 * count(label, function, n) calls function(n); callgrind writes the instructions of it
 * as a dump of its own with that label. Outside callgrind it is just the call.
 */
#include <Python.h>

#include <valgrind/callgrind.h>

static PyObject *
count(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *label;
    PyObject *function, *n, *result;

    if (!PyArg_ParseTuple(args, "sOO:count", &label, &function, &n)) {
        return NULL;
    }
    CALLGRIND_ZERO_STATS;
    result = PyObject_CallOneArg(function, n);
    CALLGRIND_DUMP_STATS_AT(label);
    return result;
}

static PyMethodDef methods[] = {
    {"count", count, METH_VARARGS, "count(label, function, n): Count function(n)."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "counting",
    .m_doc = "Instructions of a call, when callgrind runs the interpreter.",
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_counting(void)
{
    return PyModuleDef_Init(&definition);
}
