// assay/tuner/standard_functions.h: functions with a known minimum, to try an engine on.
// Room: tuner.  Threads: pure functions.
// Source: Jamil and Yang, "A literature survey of benchmark functions for global optimisation
// problems", 2013.
#pragma once
#include <array>
#include <span>
#include <string_view>

namespace assay::tuner {

// Of any number of variables, at least 2. The minimum is 0: at (1, ..., 1) of Rosenbrock's, at the
// origin of the others.
[[nodiscard]] double Sphere(std::span<const double> x);
[[nodiscard]] double Rosenbrock(std::span<const double> x);
[[nodiscard]] double Rastrigin(std::span<const double> x);
[[nodiscard]] double Ackley(std::span<const double> x);
[[nodiscard]] double Griewank(std::span<const double> x);

// A function and the bounds of each variable: boxes whose middle is not the minimum.
struct StandardFunction {
  std::string_view name;
  double (*function)(std::span<const double>);
  double low;
  double high;
};
inline constexpr std::array<StandardFunction, 5> kStandardFunctions = {
    {{"sphere", Sphere, -5.12, 4.1},
     {"Rosenbrock", Rosenbrock, -5, 10},
     {"Rastrigin", Rastrigin, -5.12, 4.1},
     {"Ackley", Ackley, -32, 25},
     {"Griewank", Griewank, -600, 480}}};

}  // namespace assay::tuner
