// index.cc: assay.vector.Index.
#include "assay/vector/index.h"

#include "support.h"

namespace assay::python {
namespace {

using vector::Index;
using vector::IndexOptions;
using vector::Neighbor;

using Neighbours = std::pair<Output<std::uint64_t>, Output<float>>;  // ids and scores

// Lists of neighbours as arrays [m, width]: ids and scores, unused places 2^64 - 1 and -inf.
Neighbours Split(const std::vector<std::vector<Neighbor>>& lists) {
  std::size_t width = 0;
  for (const auto& list : lists) width = std::max(width, list.size());
  std::vector<std::uint64_t> ids(lists.size() * width, UINT64_MAX);
  std::vector<float> scores(lists.size() * width, -std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < lists.size(); ++i) {
    for (std::size_t j = 0; j < lists[i].size(); ++j) {
      ids[i * width + j] = lists[i][j].id;
      scores[i * width + j] = lists[i][j].score;
    }
  }
  return std::pair(ArrayOf(std::move(ids), {lists.size(), width}),
                   ArrayOf(std::move(scores), {lists.size(), width}));
}

Neighbours Search(const Index& index, const FloatRow& query, std::size_t k) {
  const auto found = Take(Unlocked([&] { return index.Search(SpanOf(query), k); }));
  std::vector<std::uint64_t> ids;
  std::vector<float> scores;
  for (const Neighbor& one : found) {
    ids.push_back(one.id);
    scores.push_back(one.score);
  }
  const std::size_t n = found.size();
  return std::pair(ArrayOf(std::move(ids), {n}), ArrayOf(std::move(scores), {n}));
}

Neighbours SearchBatch(const Index& index, const FloatRows& queries, std::size_t k) {
  if (queries.shape(1) != index.options().dim) {
    Raise(Code::kInvalidArgument, "queries have " + std::to_string(queries.shape(1)) +
                                      " dimensions, the index " +
                                      std::to_string(index.options().dim));
  }
  return Split(Take(Unlocked([&] { return index.SearchBatch(SpanOf(queries), k); })));
}

// A NumPy array that stays alive as long as the index uses its memory, and dies under the GIL.
std::shared_ptr<const void> KeepAlive(const FloatRows& rows) {
  return {new FloatRows(rows), [](const void* held) {
            const nb::gil_scoped_acquire locked;
            delete static_cast<const FloatRows*>(held);
          }};
}

std::unique_ptr<Index> Over(const FloatRows& rows,
                            const std::optional<Input<std::uint64_t, 1>>& ids,
                            const std::string& label, double wanted_recall) {
  std::vector<std::uint64_t> numbers;
  if (ids) numbers.assign(ids->data(), ids->data() + ids->size());
  const IndexOptions options{.dim = rows.shape(1), .label = label, .wanted_recall = wanted_recall};
  return Take(Index::Over(options, SpanOf(rows), std::move(numbers), KeepAlive(rows)));
}

void BindStats(nb::module_& module) {
  using vector::IndexStats;
  nb::class_<IndexStats>(module, "IndexStats", "What Optimize found, and what the index costs.")
      .def_ro("rows", &IndexStats::rows)
      .def_ro("dim", &IndexStats::dim)
      .def_ro("exact", &IndexStats::exact, "Every row is compared.")
      .def_ro("lists", &IndexStats::lists)
      .def_ro("probes", &IndexStats::probes, "Lists that a search looks into.")
      .def_ro("rerank", &IndexStats::rerank, "Rows that a search compares at most, for k of 10.")
      .def_ro("code_bytes", &IndexStats::code_bytes, "Of a row's code.")
      .def_ro("calibrated_recall", &IndexStats::calibrated_recall)
      .def_ro("resident_bytes", &IndexStats::resident_bytes)
      .def_ro("mapped_bytes", &IndexStats::mapped_bytes)
      .def_ro("version", &IndexStats::version, "Grows with every change.")
      .def_ro("optimize_advised", &IndexStats::optimize_advised);
}

}  // namespace

void BindVectorIndex(nb::module_& module) {
  BindStats(module);
  nb::class_<Index>(
      module, "Index",
      "Nearest rows of a set that changes; exact while it is small, by inverted lists\n"
      "after optimize(). May be used by many threads at once.")
      .def_static(
          "create",
          [](std::size_t dim, const std::string& label, double wanted_recall) {
            return Take(
                Index::Create({.dim = dim, .label = label, .wanted_recall = wanted_recall}));
          },
          nb::arg("dim"), nb::arg("label") = "", nb::arg("wanted_recall") = 0.99,
          "An empty index. Raises OutOfRange for dim outside 1 to 65536.")
      .def_static(
          "over", Over, nb::arg("rows"), nb::arg("ids") = nb::none(), nb::arg("label") = "",
          nb::arg("wanted_recall") = 0.99,
          "An index of rows that stay where they are: float32 [n, dim], C-contiguous, kept\n"
          "alive and not copied; do not change them. ids: uint64 [n], else row numbers.\n"
          "Raises InvalidArgument for an id twice or a value that is not finite.")
      .def_static(
          "open",
          [](const std::string& path, const std::string& label, bool verify) {
            return Take(Unlocked([&] {
              return Index::Open(core::FileSystem::Real(), path, label,
                                 verify ? vector::Verify::kContent : vector::Verify::kHeaderOnly);
            }));
          },
          nb::arg("path"), nb::arg("label") = "", nb::arg("verify") = false,
          "The index of a file, its rows used in place. Raises NotFound, DataLoss,\n"
          "FailedPrecondition for another version or label.")
      .def(
          "insert",
          [](Index& index, std::uint64_t id, const FloatRow& row) {
            Take(Unlocked([&] { return index.Insert(id, SpanOf(row)); }));
          },
          nb::arg("id"), nb::arg("row"),
          "Adds a row float32 [dim], or replaces the one that has this id.")
      .def("erase", &Index::Erase, nb::arg("id"), nb::call_guard<nb::gil_scoped_release>(),
           "Whether there was such a row.")
      .def("__contains__", &Index::Contains, nb::arg("id"))
      .def("__len__", [](const Index& index) { return index.Stats().rows; })
      .def(
          "search", Search, nb::arg("query"), nb::arg("k"),
          "The k nearest rows of query float32 [dim], best first: (ids uint64 [k], scores float32\n"
          "[k]), fewer where there are fewer. Without the GIL.")
      .def("search_batch", SearchBatch, nb::arg("queries"), nb::arg("k"),
           "search for float32 [m, dim], in parallel: (ids uint64 [m, k], scores float32 [m, k]).")
      .def(
          "optimize", [](Index& index) { Take(Unlocked([&] { return index.Optimize({}); })); },
          "Makes lists and codes anew and calibrates them, on all cores; others go on meanwhile.")
      .def(
          "save",
          [](const Index& index, const std::string& path) {
            Take(Unlocked([&] { return index.Save(core::FileSystem::Real(), path); }));
          },
          nb::arg("path"), "Writes a file that replaces `path` only once it is whole.")
      .def("stats", &Index::Stats)
      .def_prop_ro("version", &Index::version)
      .def_prop_ro("dim", [](const Index& index) { return index.options().dim; })
      .def_prop_ro("label", [](const Index& index) { return index.options().label; });
}

}  // namespace assay::python
