// All kinds of pybind11's callables.
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>

#include <functional>
#include <stdexcept>

namespace py = pybind11;

struct Pet {
    explicit Pet(int age) : age(age) {}
    int get() const { return age; }
    int age;
};

PYBIND11_MODULE(pybind11_functions, module)
{
    module.def("add", [](int a, int b) { return a + b; });
    module.def("overloaded", [](int a) { return a; });
    module.def("overloaded", [](double a) { return a; });
    module.def("raising", [] { throw std::runtime_error("raised"); });
    module.def("call_std", [](const std::function<int()> &f) { return f(); });
    module.def("call_py", [](py::function f) { return f(); });
    py::class_<Pet>(module, "Pet")
        .def(py::init<int>())
        .def("get", &Pet::get)
        .def_static("static", [](int x) { return x; })
        .def("raising", [](Pet &) { throw std::runtime_error("raised"); })
        .def("calling", [](Pet &, py::function f) { return f(); })
        .def("__call__", [](Pet &, py::function f) { return f(); });
}
