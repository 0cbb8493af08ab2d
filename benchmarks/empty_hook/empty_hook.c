/* empty_hook.c -- the cheapest profile callbacks that PyEval_SetProfile can be given.
 *
 * What a program costs under install() is what the interpreter alone takes for telling
 * about every call: the floor of any profiler that is built on PyEval_SetProfile.
 * install_clock() adds one reading of the time stamp counter per event, without which
 * there is no profile.
 */
#include <Python.h>

#include <stdint.h>

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#define HAVE_TIME_STAMP_COUNTER 1
#endif

static int
on_event(PyObject *Py_UNUSED(arg), PyFrameObject *Py_UNUSED(frame), int Py_UNUSED(what),
         PyObject *Py_UNUSED(event_arg))
{
    return 0;
}

static PyObject *
install(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    /* The module is the argument, so that sys.getprofile() tells who is there. */
    PyEval_SetProfile(on_event, module);
    Py_RETURN_NONE;
}

#ifdef HAVE_TIME_STAMP_COUNTER
/* Kept and handed out by ticks(), so that the compiler cannot drop the reading. */
static uint64_t sum_of_ticks;

static int
on_event_clock(PyObject *Py_UNUSED(arg), PyFrameObject *Py_UNUSED(frame),
               int Py_UNUSED(what), PyObject *Py_UNUSED(event_arg))
{
    sum_of_ticks += __rdtsc();
    return 0;
}

static PyObject *
install_clock(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    PyEval_SetProfile(on_event_clock, module);
    Py_RETURN_NONE;
}

static PyObject *
ticks(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromUnsignedLongLong(sum_of_ticks);
}
#endif

static PyObject *
uninstall(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyEval_SetProfile(NULL, NULL);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"install", install, METH_NOARGS, "Call an empty function at every event."},
    {"uninstall", uninstall, METH_NOARGS, "Stop calling it."},
#ifdef HAVE_TIME_STAMP_COUNTER
    {"install_clock",
     install_clock,
     METH_NOARGS,
     "Read the time stamp counter at every event."},
    {"ticks", ticks, METH_NOARGS, "The sum of what was read, modulo 2**64."},
#endif
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "empty_hook",
    .m_doc = "Profile callbacks that do nothing.",
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_empty_hook(void)
{
    return PyModuleDef_Init(&definition);
}
