#include "export.h"

#include "../engine/align.h"

/* (parents, functions, names), each bytes of uint32 or what has such. */
#define COLUMNS 3

typedef struct {
    Py_buffer columns[COLUMNS];
    int held; /* how many of them */
} tree;

static void
release(tree *from)
{
    while (from->held > 0) {
        PyBuffer_Release(&from->columns[--from->held]);
    }
}

static int
take(PyObject *tuple, tree *from, fp_side *side)
{
    if (PyTuple_GET_SIZE(tuple) != COLUMNS) {
        PyErr_SetString(PyExc_ValueError, "a tree has parents, functions and names");
        return -1;
    }
    for (; from->held < COLUMNS; from->held++) {
        Py_buffer *column = &from->columns[from->held];
        if (PyObject_GetBuffer(
                PyTuple_GET_ITEM(tuple, from->held), column, PyBUF_C_CONTIGUOUS) < 0) {
            return -1;
        }
    }
    if (from->columns[0].len != from->columns[1].len) {
        PyErr_SetString(PyExc_ValueError, "each path has a parent and a function");
        return -1;
    }
    *side = (fp_side){
        .parents = from->columns[0].buf,
        .functions = from->columns[1].buf,
        .count = (size_t)from->columns[0].len / sizeof(uint32_t),
        .names = from->columns[2].buf,
        .function_count = (size_t)from->columns[2].len / sizeof(uint32_t),
    };
    return 0;
}

static PyObject *
bytes_of(const fp_aligned *aligned)
{
    const Py_ssize_t size = (Py_ssize_t)(aligned->count * sizeof(uint32_t));

    return Py_BuildValue("(y#y#y#y#)",
                         (const char *)aligned->parents,
                         size,
                         (const char *)aligned->names,
                         size,
                         (const char *)aligned->places[0],
                         size,
                         (const char *)aligned->places[1],
                         size);
}

PyObject *
fpy_align(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *tuples[2], *result = NULL;
    tree trees[2] = {{.held = 0}, {.held = 0}};
    fp_side sides[2];
    fp_aligned aligned;
    unsigned int name_count;

    if (!PyArg_ParseTuple(args,
                          "O!O!I:align",
                          &PyTuple_Type,
                          &tuples[0],
                          &PyTuple_Type,
                          &tuples[1],
                          &name_count)) {
        return NULL;
    }
    if (take(tuples[0], &trees[0], &sides[0]) == 0 &&
        take(tuples[1], &trees[1], &sides[1]) == 0) {
        const fp_status status = fp_align(sides, name_count, &aligned);
        if (status == FP_OK) {
            result = bytes_of(&aligned);
            fp_aligned_free(&aligned);
        } else if (status == FP_NOMEM) {
            PyErr_NoMemory();
        } else {
            PyErr_SetString(PyExc_ValueError, "these columns are no tree");
        }
    }
    release(&trees[0]);
    release(&trees[1]);
    return result;
}
