"""A/B statistics: tests, intervals, power, whole experiments and running ones. docs/python.md lists the pure Python twins."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "Assigner", "LiveExperiment", "OutcomeBoard", "Summary", "TestResult", "ThompsonBandit", "analyze",
    "benjamini_hochberg", "beta_cdf", "beta_quantile", "binomial_cdf", "bootstrap", "chi_square_cdf",
    "chi_square_sf", "chi_square_shares", "chi_square_table", "compare_beta_binomial", "confidence_sequence",
    "f_sf", "fisher_exact", "holm", "mann_whitney", "mixture_test", "normal_cdf", "normal_quantile", "normal_sf",
    "opportunities", "power_of_means", "power_of_proportions", "sample_size_of_means", "sample_size_of_proportions",
    "student", "student_t_cdf", "student_t_quantile", "student_t_sf", "student_t_two_sided", "summarize",
    "two_proportions", "welch",
]

if TYPE_CHECKING:
    from assay._native.experiments import (
        Assigner as Assigner, LiveExperiment as LiveExperiment, OutcomeBoard as OutcomeBoard, Summary as Summary,
        TestResult as TestResult, ThompsonBandit as ThompsonBandit, analyze as analyze, benjamini_hochberg as
        benjamini_hochberg, beta_cdf as beta_cdf, beta_quantile as beta_quantile, binomial_cdf as binomial_cdf,
        bootstrap as bootstrap, chi_square_cdf as chi_square_cdf, chi_square_sf as chi_square_sf, chi_square_shares
        as chi_square_shares, chi_square_table as chi_square_table, compare_beta_binomial as compare_beta_binomial,
        confidence_sequence as confidence_sequence, f_sf as f_sf, fisher_exact as fisher_exact, holm as holm,
        mann_whitney as mann_whitney, mixture_test as mixture_test, normal_cdf as normal_cdf, normal_quantile as
        normal_quantile, normal_sf as normal_sf, opportunities as opportunities, power_of_means as power_of_means,
        power_of_proportions as power_of_proportions, sample_size_of_means as sample_size_of_means,
        sample_size_of_proportions as sample_size_of_proportions, student as student, student_t_cdf as
        student_t_cdf, student_t_quantile as student_t_quantile, student_t_sf as student_t_sf, student_t_two_sided
        as student_t_two_sided, summarize as summarize, two_proportions as two_proportions, welch as welch,
    )
else:
    _backend.export("experiments", globals(), __all__)
