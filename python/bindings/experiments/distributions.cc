// distributions.cc: tails and quantiles of assay.experiments.
#include "assay/experiments/distributions.h"

#include "support.h"

namespace assay::python {

void BindDistributions(nb::module_& module) {
  using namespace experiments;  // NOLINT(google-build-using-namespace): a table of names
  const auto z = nb::arg("z");
  const auto p = nb::arg("p");
  const auto df = nb::arg("df");
  module.def("normal_cdf", NormalCdf, z, "P(Z <= z).");
  module.def("normal_sf", NormalSf, z, "P(Z > z), computed as a tail.");
  module.def("normal_quantile", NormalQuantile, p,
             "The z with normal_cdf(z) = p; NaN outside [0, 1].");
  module.def("student_t_cdf", StudentTCdf, nb::arg("t"), df, "P(T <= t); df > 0, may be infinite.");
  module.def("student_t_sf", StudentTSf, nb::arg("t"), df, "P(T > t).");
  module.def("student_t_two_sided", StudentTTwoSided, nb::arg("t"), df, "P(|T| > |t|).");
  module.def("student_t_quantile", StudentTQuantile, p, df, "The t with student_t_cdf(t, df) = p.");
  module.def("chi_square_cdf", ChiSquareCdf, nb::arg("x"), df, "P(X <= x).");
  module.def("chi_square_sf", ChiSquareSf, nb::arg("x"), df, "P(X > x).");
  module.def("f_sf", FSf, nb::arg("x"), nb::arg("df1"), nb::arg("df2"), "P(F > x).");
  module.def("beta_cdf", BetaCdf, nb::arg("x"), nb::arg("a"), nb::arg("b"),
             "P(X <= x), x in [0, 1].");
  module.def("beta_quantile", BetaQuantile, p, nb::arg("a"), nb::arg("b"),
             "The x with beta_cdf(x, a, b) = p.");
  module.def("binomial_cdf", BinomialCdf, nb::arg("k"), nb::arg("n"), p, "P(X <= k).");
}

}  // namespace assay::python
