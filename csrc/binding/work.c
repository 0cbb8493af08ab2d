#include "work.h"

#define KEYS 8
#define TURNS 12

/* Whatever may not be done while an exception is set is not. */
static fp_ticks
work(void *context)
{
    const fpy_state *state = context;
    const fpy_work *w = &state->work;
    const fp_ticks before = fp_clock_now(&state->clock);
    PyObject *sum = w->zero;
    int answers = 0;

    if (w->numbers == NULL || PyErr_Occurred()) {
        return 0;
    }
    Py_INCREF(sum);
    for (int i = 0; i < TURNS && sum != NULL; i++) {
        PyObject *key = PyTuple_GET_ITEM(w->keys, i % KEYS);
        PyObject *next = PyTuple_GET_ITEM(w->keys, (i + 1) % KEYS);
        PyObject *number = PyDict_GetItemWithError(w->numbers, key); /* borrowed */
        PyObject *more = number != NULL ? PyNumber_Add(number, sum) : NULL;

        Py_DECREF(sum);
        sum = more != NULL ? PyNumber_And(more, number) : NULL;
        Py_XDECREF(more);
        answers += PySequence_Contains(w->names, w->name);
        answers += PyObject_RichCompareBool(key, next, Py_LT);
        answers += PyObject_IsTrue(w->name);
    }
    Py_XDECREF(sum);
    PyErr_Clear();
    return sum != NULL && answers > 0 ? fp_clock_now(&state->clock) - before : 0;
}

/* So many keys, each with a small number, of which the interpreter has one object only;
 * and names, of which the one that is looked for is a copy. */
static int
fill(fpy_work *w)
{
    for (int i = 0; i < KEYS; i++) {
        PyObject *number = PyLong_FromLong(i + 1);
        PyObject *key = Py_BuildValue("(si)", "name", 1000 + i);
        PyObject *name = PyUnicode_FromFormat("name %d", i);
        int result = -1;

        if (number != NULL && key != NULL && name != NULL) {
            result = PyDict_SetItem(w->numbers, key, number);
        }
        Py_XDECREF(number);
        PyTuple_SET_ITEM(w->keys, i, key);
        PyTuple_SET_ITEM(w->names, i, name);
        if (result < 0) {
            return -1;
        }
    }
    return 0;
}

int
fpy_work_init(fpy_state *state)
{
    fpy_work *w = &state->work;

    state->processor =
        (fp_processor){.clock = &state->clock, .work = work, .context = state};
    w->zero = PyLong_FromLong(0);
    w->keys = PyTuple_New(KEYS);
    w->names = PyTuple_New(KEYS);
    w->name = PyUnicode_FromFormat("name %d", KEYS - 2);
    w->numbers = PyDict_New();
    return w->zero != NULL && w->keys != NULL && w->names != NULL && w->name != NULL &&
                   w->numbers != NULL
               ? fill(w)
               : -1;
}

void
fpy_work_clear(fpy_state *state)
{
    fpy_work *w = &state->work;

    Py_CLEAR(w->numbers);
    Py_CLEAR(w->name);
    Py_CLEAR(w->names);
    Py_CLEAR(w->keys);
    Py_CLEAR(w->zero);
}
